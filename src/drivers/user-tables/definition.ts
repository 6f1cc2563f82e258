/** What a user table is made of: the columns that were asked for, those that are injected, and the key. */
import { fail } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import { type Path, printable, segmentsOf } from '../../core/ref.ts'
import type { TableDefinition } from '../../core/table-definition.ts'
import type { TableSchema } from '../../core/table-schema.ts'
import type { Field } from '../../core/types.ts'
import { type FlushPolicy, policyJson } from './flush-policy.ts'
import { requireKeyType, requireStorable, typeOfSql } from './types.ts'

/** What the hot store keeps of a table; equal definitions are the same table. */
export interface UserTableDefinition {
  /** Name and version of the table schema; null when a statement wrote the columns. */
  readonly schema: { readonly name: string; readonly version: number } | null
  /** Without the system columns. */
  readonly fields: readonly Field[]
  /** Of the table schema; segments are not partitioned by them: the user is the partition. */
  readonly partitions: readonly string[]
  readonly timeColumn: string | null
  /** [] = rows have no key, and are told apart by their sequence numbers. */
  readonly primaryKey: readonly string[]
  /** A row without an `id` gets a Snowflake id. */
  readonly generatesId: boolean
  readonly flushPolicy: FlushPolicy | null
  /** Template with `${user_id}` of this table alone; null = the backend's. */
  readonly location: string | null
}

/** Appended to every user table: when the row was last written, and that it is deleted. */
export const systemFields: readonly Field[] = [
  { name: '_updated', type: { kind: 'Timestamp', unit: 'Millisecond', zone: null }, nullable: false },
  { name: '_deleted', type: { kind: 'Boolean' }, nullable: false },
]
/** Only in segments and while rows are merged: which version is the newest, and of which row. */
export const versionFields: readonly Field[] = [
  { name: '_seq', type: { kind: 'Int64' }, nullable: false },
  { name: '_key', type: { kind: 'Utf8' }, nullable: false },
]
const reservedColumns = [...systemFields, ...versionFields].map(({ name }) => name)
/** As upstream reserves them, but for tblctl's own `default`. */
const reservedNamespaces =
  /^(system|sys|root|kalamdb|kalam|main|sql|admin|internal|information_schema|pg_catalog|datafusion)$/

/** Namespace and table. Throws the seed's messages. */
export function requireNames(path: Path): { namespace: string; table: string } {
  const { project: namespace, table } = segmentsOf(path)
  for (const [what, name] of [
    ['Namespace', namespace],
    ['Table', table],
  ] as const) {
    if (!/^[a-z]/.test(name))
      throw fail('usage', 'bad-name', `${what} name must start with a lowercase letter`, { where: printable(name) })
    if (!/^[a-z0-9_]*$/.test(name))
      throw fail('usage', 'bad-name', `${what} name can only contain lowercase letters, digits, and underscores`, {
        where: printable(name),
      })
  }
  if (reservedNamespaces.test(namespace))
    throw fail('usage', 'reserved-namespace', `namespace ${namespace} is reserved`, { hint: 'choose another one' })
  return { namespace, table }
}

type Settings = Pick<UserTableDefinition, 'flushPolicy' | 'location'>

export function fromSchema(schema: TableSchema, settings: Settings): UserTableDefinition {
  const injected = !hasId(schema.fields)
  const primaryKey = schema.primaryKey.length > 0 ? schema.primaryKey : injected ? ['id'] : []
  return complete({
    schema: { name: schema.name, version: schema.version },
    fields: schema.fields,
    partitions: schema.partitions,
    timeColumn: schema.timeColumn,
    primaryKey,
    ...settings,
  })
}

/** `id` is the key of a table whose statement names no other. */
export function fromDefinition(definition: TableDefinition, settings: Settings): UserTableDefinition {
  if (definition.kind === 'stream')
    throw fail('unsupported', 'no-stream-tables', 'driver user-tables has no stream tables', {
      hint: 'CREATE USER TABLE keeps rows until they are deleted',
    })
  if (definition.unique.some((columns) => columns.join() !== definition.primaryKey.join()))
    throw fail('usage', 'no-unique', 'driver user-tables knows no UNIQUE constraint beside the primary key')
  const fields = definition.columns.map((column): Field => {
    if (column.default !== null && !/^SNOWFLAKE_ID\(\)$/i.test(column.default))
      throw fail(
        'usage',
        'no-default',
        `column ${printable(column.name)} has a DEFAULT, which user tables do not keep`,
        {
          hint: 'only an id is filled in: DEFAULT SNOWFLAKE_ID()',
        },
      )
    return { name: column.name, type: typeOfSql(column.type), nullable: column.nullable }
  })
  const primaryKey = definition.primaryKey.length > 0 ? definition.primaryKey : ['id']
  return complete({ schema: null, fields, partitions: [], timeColumn: null, primaryKey, ...settings })
}

function complete(table: Omit<UserTableDefinition, 'generatesId'>): UserTableDefinition {
  const injected = !hasId(table.fields)
  const asked: readonly Field[] = injected
    ? [{ name: 'id', type: { kind: 'Int64' }, nullable: false }, ...table.fields]
    : table.fields
  const fields = asked.map((field) => (table.primaryKey.includes(field.name) ? { ...field, nullable: false } : field))
  const seen = new Set<string>()
  for (const field of fields) {
    const lower = field.name.toLowerCase()
    if (reservedColumns.includes(lower))
      throw fail('usage', 'reserved-column', `column ${printable(field.name)} is the system's own`, {
        hint: `a user table has ${reservedColumns.join(', ')} already`,
      })
    if (seen.has(lower))
      throw fail('usage', 'duplicate-column', `column ${printable(field.name)} stands twice`, {
        ...(injected && lower === 'id'
          ? { hint: 'a table without "id" gets that column; call yours id, in lower case' }
          : {}),
      })
    seen.add(lower)
    requireStorable(field)
  }
  for (const name of table.primaryKey) {
    const field = fields.find((one) => one.name === name)
    if (!field) throw fail('usage', 'unknown-column', `the primary key names ${printable(name)}, which is no column`)
    requireKeyType(field)
  }
  const id = fields.find((field) => field.name === 'id')!
  const generatesId = id.type.kind === 'Int64' && (injected || table.primaryKey.join() === 'id')
  return { ...table, fields, generatesId }
}

const hasId = (fields: readonly Field[]): boolean => fields.some(({ name }) => name === 'id')

/** What the catalog keeps with the table. */
export const specOptions = ({ primaryKey, flushPolicy }: UserTableDefinition): JsonObject => ({
  primaryKey,
  ...(flushPolicy ? { flushPolicy: policyJson(flushPolicy) } : {}),
})
