/** Can the log be relied on: does the newest checkpoint say what the commits before it say, and the version checksum (`.crc`) what the log comes to? */
import { errorView } from '../../../core/errors.ts'
import type { ReadContext } from '../../../core/operation.ts'
import { applyCheckpoint } from '../log/checkpoint.ts'
import { isObject, parseExact } from '../log/exact-json.ts'
import { type CheckpointFiles, type LogListing, listLog } from '../log/listing.ts'
import { logFolder, paddedVersion } from '../log/paths.ts'
import { applyAction, emptyState, type LiveFile, type ReplayState } from '../log/replay.ts'
import { readCommit } from '../log/snapshot.ts'
import type { DeltaTable, Lake } from '../table.ts'
import { checkCommits, checkHint } from './commits.ts'
import { type Problem, problemOf } from './files.ts'
import { checkProperties } from './properties.ts'

export interface LogCheck {
  readonly checked: { readonly commits: number; readonly checkpoints: number; readonly checksums: number }
  readonly problems: readonly Problem[]
  readonly remarks: readonly string[]
}

export async function checkLog(lake: Lake, table: DeltaTable, ctx: ReadContext): Promise<LogCheck> {
  const { location, snapshot } = table
  const listing = await listLog(location.store, location.prefix, 0)
  const problems: Problem[] = []
  const remarks: string[] = []
  const newest = listing.checkpoints.find(({ version }) => version <= snapshot.version)
  let commits = 0
  if (newest) {
    const found = await checkCheckpoint(lake, table, listing, newest, ctx)
    commits = found.commits
    if (found.problem) problems.push(found.problem)
    else if (commits === 0)
      remarks.push(
        `the checkpoint of version ${newest.version} can be read; it is compared with nothing, for the commits before it are gone`,
      )
  }
  problems.push(...(await checkCommits(table, listing, ctx)), ...(await checkHint(table)), ...checkProperties(table))
  const checksum = await checkChecksum(table)
  if (checksum.problem) problems.push(checksum.problem)
  return {
    checked: { commits, checkpoints: newest ? 1 : 0, checksums: checksum.there ? 1 : 0 },
    problems,
    remarks,
  }
}

/** `commits`: how many the checkpoint was compared with; 0 when some of them are gone. */
async function checkCheckpoint(
  lake: Lake,
  { location }: DeltaTable,
  listing: LogListing,
  checkpoint: CheckpointFiles,
  ctx: ReadContext,
): Promise<{ readonly commits: number; readonly problem?: Problem }> {
  const { store, prefix } = location
  const options = { scratch: await lake.environment.scratch(), signal: ctx.signal }
  const stateOf = async (files: CheckpointFiles): Promise<ReplayState> => {
    const state = emptyState()
    await applyCheckpoint(store, prefix, files.keys, state, options)
    return state
  }
  const name = `_delta_log/${paddedVersion(checkpoint.version)}.checkpoint`
  let found: ReplayState
  try {
    found = await stateOf(checkpoint)
  } catch (error) {
    const { code, message } = errorView(error)
    if (code !== 'corrupt-checkpoint') throw error
    return { commits: 0, problem: problemOf('corrupt-checkpoint', name, message) }
  }
  // From an older one that can be read, or from the beginning.
  for (const base of [...listing.checkpoints.filter(({ version }) => version < checkpoint.version), null]) {
    const from = base === null ? 0 : base.version + 1
    const versions = Array.from({ length: checkpoint.version - from + 1 }, (_, i) => from + i)
    if (!versions.every((version) => listing.commits.has(version))) continue
    const replayed = base === null ? emptyState() : await stateOf(base).catch(() => null)
    if (replayed === null) continue
    for (const version of versions) {
      ctx.signal.throwIfAborted()
      for (const action of (await readCommit(store, prefix, version)) ?? []) applyAction(replayed, action)
    }
    const difference = differenceOf(found, replayed)
    const commits = versions.length
    return difference === null
      ? { commits }
      : { commits, problem: problemOf('wrong-checkpoint', name, `other than its commits say: ${difference}`) }
  }
  return { commits: 0 }
}

/** In words; null when both are the same table. */
function differenceOf(checkpoint: ReplayState, commits: ReplayState): string | null {
  const parts: string[] = []
  const missing = countOf(commits.files.keys(), (key) => !checkpoint.files.has(key))
  const extra = countOf(checkpoint.files.keys(), (key) => !commits.files.has(key))
  const other = countOf(checkpoint.files.entries(), ([key, file]) => {
    const same = commits.files.get(key)
    return same !== undefined && describeFile(same) !== describeFile(file)
  })
  if (missing > 0) parts.push(`it lacks ${missing} files`)
  if (extra > 0) parts.push(`it has ${extra} files that were removed`)
  if (other > 0) parts.push(`${other} files have another size or other partition values`)
  if (canonical(checkpoint.metadata) !== canonical(commits.metadata)) parts.push('other metadata')
  if (protocolOf(checkpoint) !== protocolOf(commits)) parts.push('another protocol')
  // A checkpoint may forget transactions and removed domains, and invents none.
  const txns = countOf(checkpoint.txns.values(), ({ appId, version }) => commits.txns.get(appId)?.version !== version)
  if (txns > 0) parts.push(`${txns} transactions of another version`)
  const domains = [...commits.domains.values()].filter(
    ({ domain, configuration }) => checkpoint.domains.get(domain)?.configuration !== configuration,
  )
  if (domains.length > 0) parts.push(`${domains.length} metadata domains are missing or differ`)
  return parts.length === 0 ? null : parts.join(', ')
}

function countOf<T>(items: Iterable<T>, is: (item: T) => boolean): number {
  let count = 0
  for (const item of items) if (is(item)) count++
  return count
}

const describeFile = ({ size, partitionValues }: LiveFile): string => canonical({ size, partitionValues })

const protocolOf = ({ protocol }: ReplayState): string =>
  canonical({
    ...protocol,
    readerFeatures: [...(protocol?.readerFeatures ?? [])].sort(),
    writerFeatures: [...(protocol?.writerFeatures ?? [])].sort(),
  })

/** Equal for equal values, whatever the order of members. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, member) =>
    isObject(member) ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1))) : member,
  ) ?? ''

async function checkChecksum({
  location,
  snapshot,
}: DeltaTable): Promise<{ readonly there: boolean; readonly problem?: Problem }> {
  const name = `${paddedVersion(snapshot.version)}.crc`
  const bytes = await location.store.read(`${logFolder(location.prefix)}/${name}`)
  if (bytes === undefined) return { there: false }
  const wrong = (detail: string) => ({
    there: true,
    problem: problemOf('wrong-checksum', `_delta_log/${name}`, detail),
  })
  try {
    const checksum = parseExact(new TextDecoder().decode(bytes))
    if (!isObject(checksum)) return wrong('it is no JSON object')
    let size = 0
    for (const file of snapshot.files.values()) size += file.size
    const files = snapshot.files.size
    if (checksum.numFiles != null && checksum.numFiles !== files)
      return wrong(`it counts ${checksum.numFiles} files, and the log has ${files}`)
    if (checksum.tableSizeBytes != null && checksum.tableSizeBytes !== size)
      return wrong(`it says ${checksum.tableSizeBytes} bytes, and the log comes to ${size}`)
    return { there: true }
  } catch {
    return wrong('it is no JSON')
  }
}
