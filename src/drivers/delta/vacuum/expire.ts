/**
 * vacuum --expired: rows that are older than the table keeps them. Files go whole, and with `byRows` those of which only some rows are too old are
 * written again. A row without a time is never too old. Dates and statistics in the log only say where to look: the files decide.
 */
import type { FileVacuumOptions } from '../../../core/driver.ts'
import { fail } from '../../../core/errors.ts'
import type { Outcome, Plan, ReadContext, RunContext, Subject } from '../../../core/operation.ts'
import { printable, refOfPath } from '../../../core/ref.ts'
import type { Field } from '../../../core/types.ts'
import { formatBytes, formatDuration, parseDuration } from '../../../core/units.ts'
import type { Engine } from '../../../engine/engine.ts'
import { quoteIdentifier } from '../../../engine/sql-text.ts'
import { physicalName } from '../log/column-mapping.ts'
import type { LiveFile } from '../log/replay.ts'
import type { Snapshot } from '../log/snapshot.ts'
import { statisticsOf } from '../log/statistics.ts'
import { checkCondition } from '../rows/condition.ts'
import { filesInPartitions } from '../rows/partition-filter.ts'
import {
  type Choose,
  executeRemoval,
  nothingToRemove,
  planRemoval,
  type RemovalPlan,
  type RemovalResult,
  type RemovalState,
} from '../rows/remove-rows.ts'
import { type DeltaTable, type Lake, openTable, storedFields } from '../table.ts'
import { type Retention, retentionOf, retentionProperty } from '../table-properties.ts'
import { filesByAge } from './expired-files.ts'

/** Rows whose `column` is before `cutoff` (RFC 3339) go. */
export interface ExpirePlan extends Plan, Omit<RemovalPlan, 'basis'> {
  /** Null where the table has no retention. */
  readonly cutoff: string | null
  readonly column: string | null
  readonly byRows: boolean
}

/** Without a retention, and without rows that are too old, nothing changes. Throws `data`/`bad-property` and what planRemoval throws. */
export async function planExpired(
  lake: Lake,
  subject: Subject,
  { byRows = false }: FileVacuumOptions,
  ctx: ReadContext,
): Promise<ExpirePlan> {
  const table = await openTable(lake, subject, ctx)
  const what = `remove expired rows of ${refOfPath(subject.path)}`
  const retention = await retentionOfTable(lake, table, subject)
  if (retention === null)
    return {
      ...nothingToRemove(table),
      changes: 0,
      risk: 'routine',
      summary: [`${what}: it has no retention, and keeps its rows for ever`],
      found: { retention: null },
      leases: [],
      cutoff: null,
      column: null,
      byRows,
    }
  const { ms, column } = retention
  const cutoff = new Date(ctx.now().getTime() - ms).toISOString()
  const { removal } = await planRemoval(lake, table, expired(lake, { column, cutoff, byRows }, ctx), ctx)
  const older = `rows whose ${printable(column)} is before ${cutoff} (retention ${formatDuration(ms)})`
  const kept =
    removal.filesKept > 0
      ? [`${removal.filesKept} files hold old rows beside younger ones; --by-rows takes those out`]
      : []
  return {
    ...removal,
    changes: removal.rows === 0 ? 0 : 1,
    risk: 'severe',
    summary: [
      removal.rows === 0
        ? `${what}: no ${byRows ? '' : 'whole files of '}${older}`
        : `${what}: ${removal.rows} ${older} in ${removal.files} files (${formatBytes(removal.bytes)}); ${removal.filesRemoved} files go, ${removal.filesRewritten} are written again`,
      ...kept,
    ],
    found: { rows: removal.rows, cutoff },
    leases: [{ path: subject.path, mode: 'maintain' }],
    cutoff,
    column,
    byRows,
  }
}

export function executeExpired(
  lake: Lake,
  plan: ExpirePlan,
  ctx: RunContext<RemovalState, any>,
): Promise<Outcome<RemovalResult>> {
  const { column, cutoff, byRows } = plan
  if (column === null || cutoff === null) throw fail('bug', 'no-retention', 'a plan without a retention was executed')
  return executeRemoval(lake, plan, expired(lake, { column, cutoff, byRows }, ctx), ctx)
}

/** The table's own property counts; a table that has none is kept as the table schema says that it was created from. */
async function retentionOfTable(lake: Lake, { snapshot }: DeltaTable, { spec }: Subject): Promise<Retention | null> {
  if (snapshot.metadata.configuration[retentionProperty] !== undefined) return retentionOf(snapshot.metadata)
  const name = spec?.schema ?? null
  const schema = name === null ? null : await lake.environment.schema(name).catch(() => null)
  if (schema === null || schema.retention === null || schema.timeColumn === null) return null
  return { ms: parseDuration(schema.retention), column: schema.timeColumn }
}

interface Age {
  readonly column: string
  readonly cutoff: string
  readonly byRows: boolean
}

function expired(lake: Lake, age: Age, ctx: ReadContext): Choose {
  return async (engine, table) => {
    const { snapshot, location } = table
    const fields = storedFields(snapshot)
    const field = fields.find(({ name }) => name === age.column)
    if (field === undefined || !['Timestamp', 'Date32'].includes(field.type.kind))
      throw fail('data', 'bad-property', `the retention measures "${printable(age.column)}", which is no time column`, {
        where: location.url,
        hint: 'tblctl alter REF --set tblctl.timeColumn=COLUMN',
      })
    const cutoff = literal(field, age)
    const condition = await checkCondition(engine, `${quoteIdentifier(field.name)} < ${cutoff}`, fields, ctx.now())
    const files = await candidates(engine, snapshot, field, condition.sql, age)
    const partial = age.byRows ? 'rewrite' : 'keep'
    if (snapshot.metadata.partitionColumns.includes(field.name))
      return { condition, files, whole: new Set(files), partial }
    if (age.byRows) return { condition, files, whole: new Set(), partial }
    const { whole, unknown, partly } = await filesByAge(lake, engine, table, files, field, cutoff, ctx)
    return { condition, files: [...whole, ...unknown], whole: new Set(whole), partial, filesKept: partly }
  }
}

/** A day is over when the next one has begun. */
function literal({ type }: Field, { cutoff }: Age): string {
  if (type.kind === 'Date32') return `DATE '${cutoff.slice(0, 10)}'`
  const wallClock = type.kind === 'Timestamp' && type.zone === null
  return wallClock ? `TIMESTAMP '${cutoff.replace('T', ' ').slice(0, -1)}'` : `TIMESTAMPTZ '${cutoff}'`
}

async function candidates(
  engine: Engine,
  snapshot: Snapshot,
  field: Field,
  condition: string,
  age: Age,
): Promise<readonly LiveFile[]> {
  const live = [...snapshot.files.values()]
  const { partitionColumns } = snapshot.metadata
  if (partitionColumns.includes(field.name)) return filesInPartitions(engine, snapshot, live, condition)
  const old = live.filter((file) => couldBeOld(snapshot, file, field, age))
  const date = snapshot.fields.find(({ name, type }) => name === 'date' && type.kind === 'Date32')
  if (date === undefined || !partitionColumns.includes('date')) return old
  const day = `DATE '${age.cutoff.slice(0, 10)}'`
  return filesInPartitions(engine, snapshot, old, `"date" ${age.byRows ? '<=' : '<'} ${day}`)
}

/** A file that its statistics call young is not opened: should they be wrong, rows stay longer than they must. */
function couldBeOld(
  { mapping }: Snapshot,
  { stats }: LiveFile,
  { name, type }: Field,
  { cutoff, byRows }: Age,
): boolean {
  const { minValues, maxValues } = statisticsOf(stats)
  const bound = (byRows ? minValues : maxValues)[physicalName(mapping, name)]
  if (typeof bound !== 'string') return true
  const zoneless = type.kind === 'Timestamp' && type.zone === null && !/(Z|[+-]\d\d:?\d\d)$/.test(bound)
  const time = Date.parse(zoneless ? `${bound}Z` : bound)
  const before = Date.parse(type.kind === 'Date32' ? cutoff.slice(0, 10) : cutoff)
  return Number.isNaN(time) || time < before
}
