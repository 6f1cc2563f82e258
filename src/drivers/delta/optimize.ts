/**
 * optimize: fewer and larger files with the same rows, or rows in another order, bin by bin, each bin one commit. Appends go on meanwhile and
 * never disturb it.
 */
import type { LayoutOptions } from '../../core/driver.ts'
import type { Operation, Plan, ReadContext } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import { formatBytes } from '../../core/units.ts'
import { layoutOptimizeOptions } from '../../verbs/options.ts'
import { schemaHashOf } from './describe.ts'
import { tableKey } from './log/paths.ts'
import { targetFileSize } from './log/properties.ts'
import { requireWritable } from './log/protocol.ts'
import { type Bin, packBins } from './optimize/bins.ts'
import { chosenFiles } from './optimize/chosen-partitions.ts'
import { type Layout, layoutBins, layoutOf, layoutText } from './optimize/layout.ts'
import { lackOfRoom, openWithin, requireMemory, takeTurn } from './optimize/resources.ts'
import { rewriteBin } from './optimize/rewrite-bin.ts'
import { keptByLayout, layoutTag, type Target } from './optimize/triggers.ts'
import { type DeltaTable, type Lake, openTable, refreshed, storedFields } from './table.ts'

/** Delta Spark's is 1 GB, delta-rs's 100 MB. */
const defaultTargetSize = 256_000_000

export type OptimizeOptions = { readonly targetSize: number | null } & LayoutOptions

/** What decides about the bins, as it was when it was planned. */
type Wanted = {
  readonly target: Target
  readonly sort: readonly string[]
  readonly zorder: readonly string[]
  readonly where: string | null
  /** What `where` means by now. */
  readonly at: string | null
}
interface OptimizePlan extends Plan {
  readonly wanted: Wanted
  readonly targetSize: number
  readonly version: number
  readonly layout: string | null
  readonly files: number
  readonly bins: number
  readonly bytes: number
}
interface State {
  readonly filesRemoved: number
  readonly filesAdded: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly rows: number
  /** Bins that another writer's commit spoilt; a later run takes them up. */
  readonly binsLost: number
}
interface Result extends State {
  readonly version: number | null
  readonly layout: string | null
  readonly verified: readonly string[]
}
const nothing: State = { filesRemoved: 0, filesAdded: 0, bytesBefore: 0, bytesAfter: 0, rows: 0, binsLost: 0 }

export function optimize(lake: Lake): Operation<OptimizeOptions, OptimizePlan, Result, State> {
  return {
    options: layoutOptimizeOptions,
    version: 2,
    hold: 'run',
    resume: 'replan', // after a kill the log is the truth; files that no commit names wait for vacuum
    key: keyOf,
    async plan(subject, options, ctx) {
      const table = await openTable(lake, subject, ctx)
      const { snapshot, location } = table
      requireWritable(snapshot, location.url)
      const wanted = wantedOf(options, table, ctx)
      const { bins, layout, kept } = await binsOf(lake, table, wanted, ctx)
      requireMemory(options.memory ?? null, layout !== null || isOrdering(bins))
      const files = bins.reduce((sum, bin) => sum + bin.files.length, 0)
      const bytes = bins.reduce((sum, bin) => sum + bin.bytes, 0)
      const lack = await lackOfRoom(await lake.environment.scratch(), roomFor(bins, table))
      return {
        changes: bins.length,
        risk: 'routine',
        summary: [
          summaryOf(refOfPath(subject.path), bins, { files, bytes, all: snapshot.files.size, layout, wanted }),
          ...keptLines(kept),
          ...(lack === null ? [] : [lack]),
        ],
        // Not the version: appends move it all the time and never make this plan wrong.
        basis: { id: snapshot.metadata.id, schemaHash: schemaHashOf(snapshot) },
        leases: [{ path: subject.path, mode: 'maintain' }],
        wanted,
        targetSize: wanted.target.size,
        version: snapshot.version,
        layout: layout === null ? null : layoutText(layout),
        files,
        bins: bins.length,
        bytes,
      }
    },
    async execute(plan, ctx) {
      let table = await openTable(lake, ctx.subject, ctx)
      if (table.snapshot.metadata.id !== plan.basis.id || schemaHashOf(table.snapshot) !== plan.basis.schemaHash)
        return { is: 'stale', why: 'its schema changed' }
      const { wanted } = plan
      const { bins, layout } = await binsOf(lake, table, wanted, ctx)
      const options = { layout, targetSize: wanted.target.size, where: wanted.where }
      let state: State = ctx.state ?? nothing
      let version: number | null = null
      const memory = ctx.options.memory ?? null
      using _turn = await takeTurn(memory)
      const scratch = await lake.environment.scratch()
      await using engine = await openWithin(memory, isOrdering(bins), { scratch, signal: ctx.signal })
      for (const [i, bin] of bins.entries()) {
        let done = await rewriteBin(lake, engine, table, bin, options, ctx)
        if (done.is === 'metadata-changed') {
          // What is done stays reported; the other bins go on with the columns that the table has now.
          if (state.filesRemoved === 0) return { is: 'stale', why: `version ${done.version} changed its schema` }
          table = await refreshed(lake, table, ctx)
          const now = { ...options, layout: layoutOf(wanted, table.snapshot, storedFields(table.snapshot)) }
          done = await rewriteBin(lake, engine, table, bin, now, ctx)
        }
        if (done.is === 'rewritten') {
          version = done.version
          state = {
            filesRemoved: state.filesRemoved + bin.files.length,
            filesAdded: state.filesAdded + done.files,
            bytesBefore: state.bytesBefore + bin.bytes,
            bytesAfter: state.bytesAfter + done.bytes,
            rows: state.rows + done.rows,
            binsLost: state.binsLost,
          }
        } else state = { ...state, binsLost: state.binsLost + 1 }
        ctx.report({ done: i + 1, total: bins.length, unit: 'bins', detail: { filesRemoved: state.filesRemoved } })
        await ctx.commit({ phase: 'rewriting', state })
        if (i + 1 < bins.length) table = await refreshed(lake, table, ctx)
      }
      if (state.filesRemoved > 0)
        return { is: 'changed', result: { ...state, version, layout: plan.layout, verified: ['rows'] } }
      return state.binsLost > 0 ? { is: 'conflict', why: 'every bin lost to another writer' } : { is: 'unchanged' }
    },
  }
}

/** Sizes and memory are tuning. */
function keyOf({ sort = [], zorder = [], where = null }: OptimizeOptions): string {
  if (sort.length + zorder.length === 0 && where === null) return 'optimize'
  return `optimize ${JSON.stringify({ sort, zorder, where })}`
}

function wantedOf(
  { targetSize, sort = [], zorder = [], where = null }: OptimizeOptions,
  { snapshot }: DeltaTable,
  ctx: ReadContext,
): Wanted {
  const asked = targetSize ?? targetFileSize(snapshot.metadata.configuration)
  const target = { size: asked ?? defaultTargetSize, asked: asked !== null }
  return { target, sort, zorder, where, at: where === null ? null : ctx.now().toISOString() }
}

async function binsOf(
  lake: Lake,
  { snapshot }: DeltaTable,
  wanted: Wanted,
  ctx: ReadContext,
): Promise<{ readonly bins: readonly Bin[]; readonly layout: Layout | null; readonly kept: number }> {
  const layout = layoutOf(wanted, snapshot, storedFields(snapshot))
  const files = await chosenFiles(lake, snapshot, wanted.where, new Date(wanted.at ?? 0), ctx)
  if (layout !== null) return { layout, bins: layoutBins(files, layout, wanted.target), kept: 0 }
  const kept = files.filter((file) => keptByLayout(file, wanted.target)).length
  return { layout, bins: packBins(files, wanted.target), kept }
}

function keptLines(kept: number): readonly string[] {
  if (kept === 0) return []
  const [stay, them] =
    kept === 1 ? ['file of a layout stays as it is', 'it'] : ['files of a layout stay as they are', 'them']
  return [`${kept} ${stay}: --sort or --zorder brings ${them} to this size`]
}

/** Also of files whose order is kept. */
const isOrdering = (bins: readonly Bin[]): boolean => bins.some(({ tags }) => tags[layoutTag] !== undefined)

/** Of the largest bin: the new files, copies of the old ones where the store is elsewhere, and rows that are sorted. */
function roomFor(bins: readonly Bin[], { location }: DeltaTable): number {
  const largest = bins.reduce((most, bin) => Math.max(most, bin.bytes), 0)
  const [some] = bins.flatMap(({ files }) => files.slice(0, 1))
  const copies = some && location.store.localPath(tableKey(location.prefix, some.path)) === null ? 1 : 0
  // Sorted rows are not compressed, and those that do not fit into memory are written down.
  return largest * (1 + copies + (isOrdering(bins) ? 3 : 0))
}

function summaryOf(
  ref: string,
  bins: readonly Bin[],
  of: {
    readonly files: number
    readonly bytes: number
    readonly all: number
    readonly layout: Layout | null
    readonly wanted: Wanted
  },
): string {
  if (bins.length === 0) return `optimize ${ref}: nothing to do (${of.all} files)`
  const amount = `${of.files} files (${formatBytes(of.bytes)})`
  const partitions = `${bins.length} ${bins.length === 1 ? 'partition' : 'partitions'}`
  if (of.layout !== null)
    return `optimize ${ref}: ${amount} of ${partitions} are rewritten, ordered by ${layoutText(of.layout)}`
  const after = bins.reduce(
    (sum, bin) => sum + (bin.into === 'one' ? 1 : Math.ceil(bin.bytes / of.wanted.target.size)),
    0,
  )
  return `optimize ${ref}: ${amount} become ${after}; ${of.all} → ${of.all - of.files + after} files`
}
