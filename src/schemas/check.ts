/** What the keys of a table schema mean together: names, types, roles. The rules are TimeFusion's load-time checks and ours. */
import { type ErrorView, TblctlError } from '../core/errors.ts'
import { isSegment, printable } from '../core/ref.ts'
import { type DataType, type Field, formatType, parseType } from '../core/types.ts'
import { parseDuration } from '../core/units.ts'
import { columnNameProblem, sameColumn, typeProblem } from './column.ts'
import type { TableFile } from './format.ts'
import { type Problem, shown, suggestion, unknownColumn } from './problem.ts'
import { rollupProblems } from './rollup.ts'
import type { KeyPath } from './yaml.ts'

export interface Checked {
  readonly fields: readonly Field[]
  readonly timeColumn: string | null
  readonly problems: readonly Problem[]
}

/** `hasTimeColumnKey`: `time_column: null` stands in the file and means none; otherwise `timestamp` is taken when there is one. */
export function checkTable(file: TableFile, hasTimeColumnKey: boolean): Checked {
  const problems: Problem[] = []
  if (!isSegment(file.table_name))
    problems.push({
      path: ['table_name'],
      message: `${shown(file.table_name)} is no table name`,
      hint: 'letters, digits, "_", "." and "-", beginning with a letter, a digit or "_", at most 128 characters',
    })
  const fields = checkFields(file, problems)
  const roles = new Roles(fields, problems)

  roles.list('partitions', file.partitions ?? [], isPrimitive, 'a partition column has one plain value')
  if (fields.length > 0 && new Set(file.partitions ?? []).size >= fields.length)
    problems.push({
      path: ['partitions'],
      message: 'every column is a partition column; nothing would be left to store',
    })
  const sorting = (file.sorting_columns ?? []).map((column) => column.name)
  roles.list('sorting_columns', sorting, isPrimitive, 'rows are sorted by plain values', 'name')
  roles.list('z_order_columns', file.z_order_columns ?? [], isPrimitive, 'rows are clustered by plain values')
  roles.list(
    'primary_key',
    file.primary_key ?? [],
    (f) => isPrimitive(f) && !f.nullable,
    'a key column is plain and has nullable: false',
  )
  const notVariant = (field: Field) => field.type.kind !== 'Variant'
  roles.list('dedup_keys', file.dedup_keys ?? [], notVariant, 'a Variant cannot be compared')
  roles.one('dedup_tiebreak', file.dedup_tiebreak, notVariant, 'a Variant cannot be compared')
  const nullableBoolean = (field: Field) => field.type.kind === 'Boolean' && field.nullable
  roles.one(
    'tombstone_column',
    file.tombstone_column,
    nullableBoolean,
    'it must be a nullable Boolean: rows from before have no value there and live',
  )
  roles.one('time_column', file.time_column, isTime, 'it must be a Timestamp or a Date32')

  if (file.version_append) {
    const missing = (['dedup_keys', 'dedup_tiebreak', 'tombstone_column'] as const).filter((key) => !file[key]?.length)
    if (missing.length > 0)
      problems.push({
        path: ['version_append'],
        message: `needs ${missing.join(' and ')} too: they tell the versions of a row apart`,
      })
  }

  const usual = fields.find((field) => field.name === 'timestamp' && isTime(field))
  const timeColumn = file.time_column ?? (hasTimeColumnKey ? null : (usual?.name ?? null))
  if (file.retention != null) problems.push(...retentionProblems(file.retention, timeColumn))
  problems.push(...rollupProblems(file.table_name, file.rollups ?? [], fields))
  problems.push(...clickhouseProblems(file, fields))
  return { fields, timeColumn, problems }
}

function checkFields(file: TableFile, problems: Problem[]): readonly Field[] {
  const fields: Field[] = []
  for (const [i, { name, data_type, nullable, description }] of file.fields.entries()) {
    const wrongName = columnNameProblem(name)
    const twin = fields.find((field) => sameColumn(field.name, name))
    if (wrongName !== null) problems.push({ path: ['fields', i, 'name'], message: wrongName })
    else if (twin)
      problems.push({
        path: ['fields', i, 'name'],
        message:
          twin.name === name
            ? `column "${printable(name)}" stands twice`
            : `column "${printable(name)}" differs from "${printable(twin.name)}" in upper and lower case only`,
      })
    const type = checkType(data_type, ['fields', i, 'data_type'], problems)
    fields.push({
      name,
      type: type ?? { kind: 'Utf8' },
      nullable: nullable ?? true,
      ...(description != null && { description }),
    })
  }
  return fields
}

function checkType(text: string, path: KeyPath, problems: Problem[]): DataType | null {
  if (text.length > longestType) {
    problems.push({ path, message: `this type is longer than ${longestType} characters` })
    return null
  }
  const type = understood(() => parseType(text))
  if ('kind' in type && !('code' in type)) {
    const wrong = typeProblem(type)
    if (wrong === null) return type
    problems.push({ path, message: wrong })
    return null
  }
  const view = type as ErrorView
  const word = /^[A-Za-z0-9_]+/.exec(text)?.[0] ?? ''
  const hint = suggestion(word, typeNames) ?? view.hint
  problems.push({ path, message: view.message, ...(hint !== undefined && { hint }) })
  return null
}
/** Room for some thousand fields of a struct; what is longer is a mistake. */
const longestType = 64 * 1024
const typeNames = (
  'Boolean Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float32 Float64 Utf8 Binary Date32 Json Variant ' +
  'Decimal128 Timestamp List Map Struct'
).split(' ')

const nested = ['List', 'Map', 'Struct', 'Json', 'Variant']
const isPrimitive = (field: Field): boolean => !nested.includes(field.type.kind)
const isTime = (field: Field): boolean => field.type.kind === 'Timestamp' || field.type.kind === 'Date32'

/** Keys that name columns. */
class Roles {
  private readonly fields: readonly Field[]
  private readonly problems: Problem[]
  constructor(fields: readonly Field[], problems: Problem[]) {
    this.fields = fields
    this.problems = problems
  }

  one(role: string, name: string | null | undefined, fits: (field: Field) => boolean, rule: string): void {
    if (name != null) this.column([role], name, fits, rule)
  }

  list(role: string, names: readonly string[], fits: (field: Field) => boolean, rule: string, key?: string): void {
    for (const [i, name] of names.entries()) {
      const path = key === undefined ? [role, i] : [role, i, key]
      if (names.indexOf(name) < i) this.problems.push({ path, message: `"${printable(name)}" stands twice` })
      else this.column(path, name, fits, rule)
    }
  }

  private column(path: KeyPath, name: string, fits: (field: Field) => boolean, rule: string): void {
    const field = this.fields.find((candidate) => candidate.name === name)
    if (!field) this.problems.push(unknownColumn(path, name, this.fields))
    else if (!fits(field)) {
      const is = `${formatType(field.type)}${field.nullable ? '' : ' not null'}`
      this.problems.push({ path, message: `"${printable(name)}" is ${is}; ${rule}` })
    }
  }
}

function retentionProblems(retention: string, timeColumn: string | null): Problem[] {
  const path = ['retention']
  const duration = understood(() => parseDuration(retention))
  if (typeof duration !== 'number')
    return [{ path, message: duration.message, hint: 'such as 30d (ms, s, m, h, d or w)' }]
  if (duration === 0) return [{ path, message: 'no row would be kept' }]
  return timeColumn === null ? [{ path, message: 'needs a time_column: rows age by it' }] : []
}

/** The value, or what our own parser has to say against the text. */
function understood<T extends object | number>(parse: () => T): T | ErrorView {
  try {
    return parse()
  } catch (error) {
    if (error instanceof TblctlError) return error.view
    throw error
  }
}

function clickhouseProblems(file: TableFile, fields: readonly Field[]): Problem[] {
  const section = file.clickhouse
  if (!section) return []
  const problems: Problem[] = Object.keys(section.columns)
    .filter((name) => !fields.some((field) => field.name === name))
    .map((name) => ({ ...unknownColumn(['clickhouse', 'columns', name], name, fields), atKey: true }))
  const names = fields.map((field) => field.name)
  for (const key of ['materialized', 'aliases'] as const)
    for (const [i, { name }] of section[key].entries()) {
      if (names.includes(name))
        problems.push({ path: ['clickhouse', key, i, 'name'], message: `column "${printable(name)}" stands twice` })
      names.push(name)
    }
  return problems
}
