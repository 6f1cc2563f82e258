/**
 * repair: data files that are gone for good are taken out of the table, in one commit, so that its other rows can be read. Their rows are
 * lost, and nothing brings them back: this says so in the log.
 */
import { createHash } from 'node:crypto'
import type { Operation, Outcome, Plan, RunContext } from '../../core/operation.ts'
import { printable, refOfPath } from '../../core/ref.ts'
import { formatBytes } from '../../core/units.ts'
import { repairOptions } from '../../verbs/options.ts'
import { commitTo } from './commit-table.ts'
import { requireWritable } from './log/protocol.ts'
import { fileKey, type LiveFile, removeOf } from './log/replay.ts'
import { numRecordsOf } from './log/stats.ts'
import { openWithTombstones } from './rows/needed-files.ts'
import { committedByJob } from './rows/own-commit.ts'
import { committer, type Lake } from './table.ts'
import { checkFiles } from './verify/files.ts'

interface RepairPlan extends Plan {
  readonly version: number
  readonly files: number
  readonly bytes: number
  /** Rows that are lost; null where the log does not count them. */
  readonly rows: number | null
  readonly sample: readonly string[]
}
interface Result {
  readonly version: number
  readonly filesRemoved: number
  readonly bytesRemoved: number
  readonly rowsLost: number | null
  readonly verified: readonly string[]
}

const mostLines = 20

export function repair(lake: Lake): Operation<object, RepairPlan, Result> {
  return {
    options: repairOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: () => 'repair',
    async plan(subject, _options, ctx) {
      const table = await openWithTombstones(lake, subject, ctx)
      const { location, snapshot } = table
      requireWritable(snapshot, location.url)
      const ref = refOfPath(subject.path)
      const { missing, problems } = await checkFiles(lake, table, ctx)
      const bytes = missing.reduce((sum, { size }) => sum + size, 0)
      const rows = rowsIn(missing)
      const sample = missing.slice(0, mostLines).map(({ path }) => printable(path))
      const left = problems.map(({ problem, path }) => `cannot be mended: ${problem}${path === null ? '' : ` ${path}`}`)
      return {
        changes: missing.length,
        risk: 'severe',
        summary: [
          missing.length === 0
            ? `repair ${ref}: no data file is missing`
            : `repair ${ref}: take ${missing.length} files (${formatBytes(bytes)}) that are gone out of the table; ${rows ?? 'an unknown number of'} rows are lost`,
          ...sample.map((path) => `  ${path}`),
          ...(missing.length > mostLines ? [`  … and ${missing.length - mostLines} more`] : []),
          ...left.slice(0, mostLines),
          ...(left.length > mostLines ? [`… and ${left.length - mostLines} more that cannot be mended`] : []),
        ],
        found: { filesRemoved: 0, unrepairable: problems.length },
        // A loss is approved file by file.
        basis: { id: snapshot.metadata.id, missing: hashOf(missing) },
        leases: [{ path: subject.path, mode: 'maintain' }],
        version: snapshot.version,
        files: missing.length,
        bytes,
        rows,
        sample,
      }
    },
    execute: (plan, ctx) => execute(lake, plan, ctx),
  }
}

async function execute(lake: Lake, plan: RepairPlan, ctx: RunContext<any, any>): Promise<Outcome<Result>> {
  const table = await openWithTombstones(lake, ctx.subject, ctx)
  const { location, snapshot } = table
  const resultOf = (version: number): Outcome<Result> => ({
    is: 'changed',
    result: {
      version,
      filesRemoved: plan.files,
      bytesRemoved: plan.bytes,
      rowsLost: plan.rows,
      verified: ['missing'],
    },
  })
  const own = ctx.job.attempt === 1 ? undefined : await committedByJob(table, plan.version, ctx.job.id)
  if (own) return resultOf(own.version)
  if (snapshot.metadata.id !== plan.basis.id) return { is: 'stale', why: 'another table is there now' }
  const { missing } = await checkFiles(lake, table, ctx)
  if (hashOf(missing) !== plan.basis.missing) return { is: 'stale', why: 'other files are missing now' }
  const now = ctx.now().getTime()
  const outcome = await commitTo(
    lake,
    location,
    {
      snapshot,
      kind: 'rewrite',
      actions: missing.map((file) => ({ remove: removeOf(file, now, true) })),
      operation: {
        name: 'FSCK',
        parameters: {},
        metrics: { numRemovedFiles: missing.length, numRemovedBytes: plan.bytes },
      },
    },
    committer(ctx),
    ctx,
  )
  if (outcome.is === 'committed') {
    await ctx.commit({ phase: 'committed', state: {} })
    return resultOf(outcome.version)
  }
  return outcome.is === 'conflict'
    ? { is: 'conflict', why: outcome.why }
    : { is: 'stale', why: 'the table was changed meanwhile' }
}

function rowsIn(files: readonly LiveFile[]): number | null {
  let rows = 0
  for (const { stats, deletionVector } of files) {
    const records = numRecordsOf(stats)
    if (records === null) return null
    rows += records - (deletionVector?.cardinality ?? 0)
  }
  return rows
}

const hashOf = (files: readonly LiveFile[]): string =>
  createHash('sha256')
    .update(JSON.stringify(files.map((file) => fileKey({ ...file, path: file.logPath })).sort()))
    .digest('hex')
