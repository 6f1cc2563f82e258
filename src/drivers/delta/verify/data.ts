/** Can every row of a table's files be read, and do the files hold what the schema and their statistics in the log say? */
import { errorView } from '../../../core/errors.ts'
import type { ReadContext } from '../../../core/operation.ts'
import { printable } from '../../../core/ref.ts'
import type { DataType } from '../../../core/types.ts'
import { type Engine, openEngine, type ResultColumn, readingFiles } from '../../../engine/engine.ts'
import { parquetSource, quoteIdentifier, quoteString } from '../../../engine/sql-text.ts'
import { localCopies } from '../../../storage/local-copies.ts'
import { physicalName } from '../log/column-mapping.ts'
import { deletedRows } from '../log/deletion-vector.ts'
import { tableKey } from '../log/paths.ts'
import type { LiveFile } from '../log/replay.ts'
import { type FileStatistics, statisticsOf } from '../log/statistics.ts'
import type { DeltaTable, Lake } from '../table.ts'
import { declaredColumns, wrongTypes } from './file-types.ts'
import { type Problem, problemOf } from './files.ts'

export interface DataCheck {
  /** Of the files that could be read, those that deletion vectors hide too. */
  readonly rows: number
  readonly problems: readonly Problem[]
}

/** Files of a remote store are copied here this many at a time. */
const atOnce = 8

export async function checkData(
  lake: Lake,
  table: DeltaTable,
  files: readonly LiveFile[],
  ctx: ReadContext,
): Promise<DataCheck> {
  const { location, snapshot } = table
  const scratch = await lake.environment.scratch()
  await using engine = await openEngine({ scratch, signal: ctx.signal })
  // Files and statistics have the physical names, people the others.
  const names = new Map(snapshot.fields.map(({ name }) => [physicalName(snapshot.mapping, name), name]))
  const declared = declaredColumns(table)
  const problems: Problem[] = []
  let rows = 0
  for (let i = 0; i < files.length; i += atOnce) {
    const some = files.slice(i, i + atOnce)
    const keys = some.map((file) => tableKey(location.prefix, file.path))
    await using local = await localCopies(location.store, keys, { scratch, signal: ctx.signal })
    for (const [path, name] of local.names) engine.copies.set(path, name)
    for (const [j, file] of some.entries()) {
      const found = await checkFile(engine, local.paths[j]!, file, { names, declared }, ctx)
      rows += found.rows
      problems.push(...found.problems, ...(await checkVector(location, file, ctx)))
    }
    ctx.report({ done: Math.min(i + atOnce, files.length), total: files.length, unit: 'files' })
  }
  return { rows, problems }
}

interface KnownColumns {
  /** How people call what a file calls so. */
  readonly names: ReadonlyMap<string, string>
  readonly declared: ReadonlyMap<string, DataType>
}

async function checkFile(
  engine: Engine,
  path: string,
  file: LiveFile,
  known: KnownColumns,
  ctx: ReadContext,
): Promise<DataCheck> {
  try {
    return await readingFiles(engine, [path], () => readFile(engine, path, file, known))
  } catch (error) {
    ctx.signal.throwIfAborted()
    const { kind, message } = errorView(error)
    if (kind !== 'data') throw error
    return { rows: 0, problems: [problemOf('corrupt-file', file.path, message)] }
  }
}

/** Its length, its checksum and how many rows it takes out. */
async function checkVector(
  { store, prefix }: DeltaTable['location'],
  { path, deletionVector }: LiveFile,
  ctx: ReadContext,
): Promise<readonly Problem[]> {
  if (deletionVector === undefined) return []
  try {
    await deletedRows(store, prefix, deletionVector)
    return []
  } catch (error) {
    ctx.signal.throwIfAborted()
    const { kind, code, message } = errorView(error)
    // One that is not there was told before.
    if (code === 'file-missing') return []
    if (kind !== 'data') throw error
    return [problemOf(code, path, message)]
  }
}

/** Every value is decoded: a page that is damaged does not show in the footer. */
async function readFile(
  engine: Engine,
  path: string,
  file: LiveFile,
  { names, declared }: KnownColumns,
): Promise<DataCheck> {
  const source = parquetSource([path])
  const columns = await engine.columns(`SELECT * FROM ${source}`)
  const statistics = statisticsOf(file.stats)
  const lies = columns.flatMap((column) =>
    claimsOf(column, printable(names.get(column.name) ?? column.name), statistics),
  )
  const selected = [
    'count(*)::BIGINT AS n',
    ...columns.map(({ name }, i) => `bit_xor(hash(${quoteIdentifier(name)})) AS read${i}`),
    ...lies.map(({ sql }, i) => `coalesce(${sql}, false) AS lie${i}`),
  ]
  const [found] = await engine.all(`SELECT ${selected.join(', ')} FROM ${source}`)
  const rows = Number(found!.n)
  const wrong: string[] = []
  if (statistics.numRecords !== null && statistics.numRecords !== rows)
    wrong.push(`the log counts ${statistics.numRecords} rows, and the file has ${rows}`)
  for (const [i, { claim }] of lies.entries()) if (found![`lie${i}`] === true) wrong.push(claim)
  const types = wrongTypes(columns, declared, names)
  return {
    rows,
    problems: [
      ...(types.length === 0 ? [] : [problemOf('wrong-type', file.path, types.join('; '))]),
      ...(wrong.length === 0 ? [] : [problemOf('wrong-statistics', file.path, wrong.join('; '))]),
    ],
  }
}

interface Claim {
  readonly claim: string
  /** True when the file says otherwise. */
  readonly sql: string
}

/** A bound may be wider than the values, never narrower. */
function claimsOf({ name, engineType }: ResultColumn, shown: string, statistics: FileStatistics): Claim[] {
  const column = quoteIdentifier(name)
  const claims: Claim[] = []
  const nulls = statistics.nullCount[name]
  if (typeof nulls === 'number' && statistics.tight)
    claims.push({ claim: `the log counts ${nulls} nulls in ${shown}`, sql: `count(*) - count(${column}) <> ${nulls}` })
  const type = comparable(engineType)
  if (type === null) return claims
  const filter = ['FLOAT', 'DOUBLE'].includes(type) ? ` FILTER (WHERE NOT isnan(${column}))` : ''
  const literal = (bound: unknown) => literalOf(String(bound), type)
  const min = statistics.minValues[name]
  const max = statistics.maxValues[name]
  if (isScalar(min))
    claims.push({ claim: `the log's least ${shown} is too great`, sql: `min(${column})${filter} < ${literal(min)}` })
  if (isScalar(max)) {
    // Bounds of times have milliseconds, values microseconds.
    const most = type.startsWith('TIMESTAMP') ? `${literal(max)} + INTERVAL 1 MILLISECOND` : literal(max)
    claims.push({ claim: `the log's greatest ${shown} is too small`, sql: `max(${column})${filter} > ${most}` })
  }
  return claims
}

const isScalar = (value: unknown): boolean => ['string', 'number', 'bigint'].includes(typeof value)

/** Of a bound as the log writes it; null where it is none. A time without a zone of its own (INT96) has a bound that may name one. */
function literalOf(text: string, type: string): string {
  const as = (target: string) => `TRY_CAST(${quoteString(text)} AS ${target})`
  return type === 'TIMESTAMP' ? `(${as('TIMESTAMPTZ')} AT TIME ZONE 'UTC')` : as(type)
}

/** The type that bounds of a column are compared in; null where none is certain (decimals of many digits lose some in JSON numbers). */
function comparable(engineType: string): string | null {
  if (
    /^(TINYINT|SMALLINT|INTEGER|BIGINT|FLOAT|DOUBLE|DATE|VARCHAR|TIMESTAMP|TIMESTAMP WITH TIME ZONE)$/.test(engineType)
  )
    return engineType
  const digits = /^DECIMAL\((\d+),/.exec(engineType)?.[1]
  return digits !== undefined && Number(digits) <= 15 ? engineType : null
}
