/** optimize: small files become one, bin by bin, each bin one commit. Appends go on meanwhile and never disturb it; readers see the same rows. */
import { join } from 'node:path'
import { fail } from '../../core/errors.ts'
import type { Operation, Plan, RunContext } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import { formatBytes } from '../../core/units.ts'
import { type Engine, openEngine, readingFiles } from '../../engine/engine.ts'
import { writeParquet } from '../../engine/write-parquet.ts'
import { optimizeOptions } from '../../verbs/options.ts'
import { type Bin, packBins, packedTag } from './bins.ts'
import { commitTo } from './commit-table.ts'
import { countRowsIn } from './count.ts'
import { discard, publish, withdraw } from './data-file.ts'
import { schemaHashOf } from './describe.ts'
import type { CommitOutcome } from './log/commit-request.ts'
import { requireWritable } from './log/protocol.ts'
import { removeOf } from './log/replay.ts'
import { committer, type DeltaTable, type Lake, openTable, refreshed, scanFiles, storedFields } from './table.ts'

/** Delta Spark's is 1 GB, delta-rs's 100 MB. */
const defaultTargetSize = 256_000_000

interface OptimizePlan extends Plan {
  readonly targetSize: number
  readonly version: number
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
  readonly verified: readonly string[]
}
const nothing: State = { filesRemoved: 0, filesAdded: 0, bytesBefore: 0, bytesAfter: 0, rows: 0, binsLost: 0 }

export function optimize(lake: Lake): Operation<{ targetSize: number | null }, OptimizePlan, Result, State> {
  return {
    options: optimizeOptions,
    version: 1,
    hold: 'run',
    resume: 'replan', // after a kill the log is the truth; files that no commit names wait for vacuum
    key: () => 'optimize',
    async plan(subject, options, ctx) {
      const table = await openTable(lake, subject, ctx)
      const { snapshot, location } = table
      requireWritable(snapshot, location.url)
      const targetSize = options.targetSize ?? defaultTargetSize
      const bins = packBins(snapshot.files.values(), targetSize)
      const files = bins.reduce((sum, bin) => sum + bin.files.length, 0)
      const bytes = bins.reduce((sum, bin) => sum + bin.bytes, 0)
      const ref = refOfPath(subject.path)
      return {
        changes: bins.length,
        risk: 'routine',
        summary: [
          bins.length === 0
            ? `optimize ${ref}: nothing to do (${snapshot.files.size} files)`
            : `optimize ${ref}: ${files} files (${formatBytes(bytes)}) become ${bins.length}; ${snapshot.files.size} → ${snapshot.files.size - files + bins.length} files`,
        ],
        // Not the version: appends move it all the time and never make this plan wrong.
        basis: { id: snapshot.metadata.id, schemaHash: schemaHashOf(snapshot) },
        leases: [{ path: subject.path, mode: 'maintain' }],
        targetSize,
        version: snapshot.version,
        files,
        bins: bins.length,
        bytes,
      }
    },
    async execute(plan, ctx) {
      let table = await openTable(lake, ctx.subject, ctx)
      if (table.snapshot.metadata.id !== plan.basis.id || schemaHashOf(table.snapshot) !== plan.basis.schemaHash)
        return { is: 'stale', why: 'its schema changed' }
      const bins = packBins(table.snapshot.files.values(), plan.targetSize)
      let state: State = ctx.state ?? nothing
      let version: number | null = null
      await using engine = await openEngine({ scratch: await lake.environment.scratch(), signal: ctx.signal })
      for (const [i, bin] of bins.entries()) {
        let done = await rewrite(lake, engine, table, bin, ctx)
        if (done.is === 'metadata-changed') {
          // What is done stays reported; the other bins go on with the columns that the table has now.
          if (state.filesRemoved === 0) return { is: 'stale', why: `version ${done.version} changed its schema` }
          table = await refreshed(lake, table, ctx)
          done = await rewrite(lake, engine, table, bin, ctx)
        }
        if (done.is === 'rewritten') {
          version = done.version
          state = {
            filesRemoved: state.filesRemoved + bin.files.length,
            filesAdded: state.filesAdded + 1,
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
      if (state.filesRemoved > 0) return { is: 'changed', result: { ...state, version, verified: ['rows'] } }
      return state.binsLost > 0 ? { is: 'conflict', why: 'every bin lost to another writer' } : { is: 'unchanged' }
    },
  }
}

type Rewritten =
  | { readonly is: 'rewritten'; readonly version: number; readonly rows: number; readonly bytes: number }
  | { readonly is: 'lost' }
  | { readonly is: 'metadata-changed'; readonly version: number }

/** One COPY, so that memory is bounded by the engine's budget whatever the size of the table. */
async function rewrite(
  lake: Lake,
  engine: Engine,
  table: DeltaTable,
  bin: Bin,
  ctx: RunContext<State, any>,
): Promise<Rewritten> {
  const { location, snapshot } = table
  if (!bin.files.every((file) => snapshot.files.has(file.path))) return { is: 'lost' }
  const fields = storedFields(snapshot).filter((field) => !snapshot.metadata.partitionColumns.includes(field.name))
  await using scan = await scanFiles(lake, table, bin.files, fields, ctx)
  for (const [path, name] of scan.names) engine.copies.set(path, name)
  const written = await readingFiles(engine, scan.paths, () =>
    writeParquet(engine, scan.select, join(engine.directory, 'bin.parquet'), { fields, compression: 'zstd' }),
  )
  // The footers, not the log: other writers' statistics may be wrong, and then this is where it would come out.
  const before = await countRowsIn(engine, scan.paths)
  if (written.rows !== before)
    throw fail(
      'failed',
      'verification-failed',
      `${before} rows in ${bin.files.length} files became ${written.rows}; the table was left as it is`,
      { where: location.url },
    )
  const add = await publish(table, written, bin.partitionValues, {
    dataChange: false,
    tags: { [packedTag]: String(bin.weight) },
  })
  let outcome: CommitOutcome
  try {
    const now = ctx.now().getTime()
    outcome = await commitTo(
      lake,
      location,
      {
        snapshot,
        kind: 'rewrite',
        actions: [...bin.files.map((file) => ({ remove: removeOf(file, now, false) })), { add }],
        operation: {
          name: 'OPTIMIZE',
          parameters: { predicate: '[]', zOrderBy: '[]' },
          metrics: {
            numRemovedFiles: bin.files.length,
            numRemovedBytes: bin.bytes,
            numAddedFiles: 1,
            numAddedBytes: add.size,
          },
        },
      },
      committer(ctx),
      ctx,
    )
  } catch (error) {
    await withdraw(lake, table, [add], error, ctx)
    throw error
  }
  if (outcome.is === 'committed')
    return { is: 'rewritten', version: outcome.version, rows: written.rows, bytes: add.size }
  await discard(table, [add])
  return outcome.is === 'metadata-changed' ? outcome : { is: 'lost' }
}
