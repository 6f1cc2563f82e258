/**
 * vacuum of files: what no version inside the retention names goes, and only when it is older than the retention itself. The plan fixes the
 * point in time, so that execution never removes more than what was approved.
 */
import type { FileVacuumOptions } from '../../../core/driver.ts'
import { fail } from '../../../core/errors.ts'
import type { Outcome, Plan, ReadContext, RunContext, Subject } from '../../../core/operation.ts'
import { printable, refOfPath } from '../../../core/ref.ts'
import { mapBounded } from '../../../core/run/pool.ts'
import { formatBytes, formatDuration } from '../../../core/units.ts'
import { tableKey } from '../log/paths.ts'
import { deletedFileRetentionMs } from '../log/properties.ts'
import { requireVacuumable } from '../log/protocol.ts'
import { readCommit } from '../log/snapshot.ts'
import { addNamed, openWithTombstones } from '../rows/needed-files.ts'
import type { DeltaTable, Lake } from '../table.ts'
import { candidates } from './candidates.ts'
import { ownStore, type TableObject } from './inner-tables.ts'
import { lastVacuum, logReach, noteVacuum } from './last-vacuum.ts'

export interface FileVacuumPlan extends Plan {
  readonly mode: 'full' | 'lite'
  readonly retainMs: number
  /** RFC 3339: what was written or removed then or later stays. */
  readonly before: string
  readonly files: number
  readonly bytes: number
  /** Some of their paths. */
  readonly sample: readonly string[]
}
interface State {
  readonly filesRemoved: number
  readonly bytesRemoved: number
  /** Paths and sizes of files that are being removed. */
  readonly removing: readonly (readonly [path: string, size: number])[]
}
interface Result {
  readonly filesRemoved: number
  readonly bytesRemoved: number
  readonly verified: readonly string[]
}

const mostSamples = 20
/** Keys of one request on S3. */
const batchSize = 1000
const headsAtOnce = 16

export async function planFileVacuum(
  lake: Lake,
  subject: Subject,
  { mode = 'full', retainMs: wanted = null, belowFloor = false }: FileVacuumOptions,
  ctx: ReadContext,
): Promise<FileVacuumPlan> {
  const ref = refOfPath(subject.path)
  const table = await openWithTombstones(lake, subject, ctx, ownStore(lake, subject))
  const { location, snapshot } = table
  requireVacuumable(snapshot, location.url)
  const floor = deletedFileRetentionMs(snapshot.metadata.configuration)
  const retainMs = wanted ?? floor
  if (retainMs < floor && !belowFloor)
    throw fail(
      'refused',
      'retention-below-floor',
      `${ref} keeps files for ${formatDuration(floor)}, and --retain is ${formatDuration(retainMs)}`,
      {
        where: location.url,
        hint: 'readers and writers that began before still need them; --below-floor removes them all the same',
      },
    )
  const before = ctx.now().getTime() - retainMs
  const found = await candidates(lake, table, mode, before, ctx)
  let files = 0
  let bytes = 0
  const sample: string[] = []
  for await (const { path, size } of found.objects) {
    files++
    bytes += size
    if (sample.length < mostSamples) sample.push(printable(path))
    if (files % batchSize === 0) ctx.report({ done: files, total: null, unit: 'files found' })
  }
  const age = `older than ${formatDuration(retainMs)}`
  const note = files === 0 && mode === 'full' && (await noteHelps(table, before, ctx))
  const youngFiles = found.young.files
  return {
    changes: files + (note ? 1 : 0),
    risk: retainMs < floor ? 'severe' : 'moderate',
    summary: [
      files === 0
        ? `vacuum ${ref}: no file that is needed no more is ${age}`
        : `vacuum ${ref}: remove ${files} files (${formatBytes(bytes)}) ${age}`,
      ...(youngFiles === 0 ? [] : [`  ${youngFiles} more that nothing names are too young`]),
      ...(note ? ['  note in the log that nothing is left, so that --mode lite works again'] : []),
      ...(retainMs < floor
        ? [`  below the table's own ${formatDuration(floor)}: readers, writers and earlier versions may lose files`]
        : []),
    ],
    found: { filesRemoved: 0, bytesRemoved: 0 },
    basis: { id: snapshot.metadata.id, retentionMs: floor },
    leases: [{ path: subject.path, mode: 'maintain' }],
    mode,
    retainMs,
    before: new Date(before).toISOString(),
    files,
    bytes,
    sample,
  }
}

/** A log that was cleaned up begins too late for a lite vacuum, until one of the whole folder has said how far it came. */
async function noteHelps({ location }: DeltaTable, before: number, ctx: ReadContext): Promise<boolean> {
  const [{ versions, newestBefore }, last] = await Promise.all([logReach(location, before, ctx), lastVacuum(location)])
  return newestBefore !== null && versions[0]! > (last ?? -1) + 1
}

export async function executeFileVacuum(
  lake: Lake,
  plan: FileVacuumPlan,
  ctx: RunContext<State, any>,
): Promise<Outcome<Result>> {
  const table = await openWithTombstones(lake, ctx.subject, ctx, ownStore(lake, ctx.subject))
  const { location, snapshot } = table
  requireVacuumable(snapshot, location.url)
  if (snapshot.metadata.id !== plan.basis.id) return { is: 'stale', why: 'another table is there now' }
  if (deletedFileRetentionMs(snapshot.metadata.configuration) !== plan.basis.retentionMs)
    return { is: 'stale', why: 'its retention of files changed' }
  const before = Date.parse(plan.before)
  let state = await afterKill(table, ctx.state ?? { filesRemoved: 0, bytesRemoved: 0, removing: [] })
  const { needed, objects } = await candidates(lake, table, plan.mode, before, ctx)
  let { version } = snapshot

  const remove = async (batch: readonly TableObject[]): Promise<void> => {
    version = await addCommitted(table, version, needed)
    const going = batch.filter(({ path }) => !needed.has(path))
    if (going.length === 0) return
    await ctx.commit({
      phase: 'removing',
      state: { ...state, removing: going.map(({ path, size }) => [path, size] as const) },
    })
    await location.store.delete(
      going.map(({ key }) => key),
      { emptied: true },
    )
    state = removedBy(
      state,
      going.map(({ size }) => size),
    )
    ctx.report({ done: state.filesRemoved, total: Math.max(plan.files, state.filesRemoved), unit: 'files' })
  }
  let batch: TableObject[] = []
  for await (const object of objects) {
    batch.push(object)
    if (batch.length < batchSize) continue
    await remove(batch)
    batch = []
  }
  await remove(batch)

  await ctx.commit({ phase: 'removed', state })
  const { newestBefore } = await logReach(location, before, ctx)
  if (newestBefore !== null && newestBefore > ((await lastVacuum(location)) ?? -1))
    await noteVacuum(location, newestBefore)
  const { filesRemoved, bytesRemoved } = state
  return { is: 'changed', result: { filesRemoved, bytesRemoved, verified: ['log', 'age'] } }
}

/** What commits since `version` name is needed, whatever it was when the vacuum began: a restore brings files back. */
async function addCommitted({ location }: DeltaTable, version: number, needed: Set<string>): Promise<number> {
  for (let next = version + 1; ; next++) {
    const actions = await readCommit(location.store, location.prefix, next)
    if (actions === undefined) return next - 1
    for (const action of actions) {
      if ('add' in action) addNamed(needed, action.add, location)
      if ('remove' in action) addNamed(needed, action.remove, location)
    }
  }
}

/** A killed run had begun with some files: those that are gone it has removed. The others are found again. */
async function afterKill({ location }: DeltaTable, state: State): Promise<State> {
  const gone = await mapBounded(state.removing, headsAtOnce, async ([path, size]) =>
    (await location.store.head(tableKey(location.prefix, path))) ? [] : [size],
  )
  return removedBy(state, gone.flat())
}

const removedBy = ({ filesRemoved, bytesRemoved }: State, sizes: readonly number[]): State => ({
  filesRemoved: filesRemoved + sizes.length,
  bytesRemoved: sizes.reduce((sum, size) => sum + size, bytesRemoved),
  removing: [],
})
