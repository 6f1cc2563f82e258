/**
 * CREATE TABLE from a table schema and its `clickhouse:` section. Everything about a table is in the statement, defaults too, so that it
 * comes out the same on every server version that can have it.
 */
import { createHash } from 'node:crypto'
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import type { TableSchema } from '../../core/table-schema.ts'
import { formatType, sameType } from '../../core/types.ts'
import { clickhouseSection } from '../../schemas/clickhouse-section.ts'
import { versionNumber } from './executor.ts'
import { formatIdentity, type Identity } from './identity.ts'
import { quoteIdentifier, quoteName, quoteString } from './names.ts'
import { intervalOf } from './ttl.ts'
import { clickhouseType, storedType } from './types.ts'

/**
 * Inserts whose block tokens a table remembers (`insert_deduplication_token`): an interrupted load inserts the same rows again and none
 * comes twice, as long as no more inserts than these came between.
 */
export const deduplicationWindow = 10_000

export interface TableDefinition {
  readonly columns: readonly string[]
  readonly engine: string
  /** `PARTITION BY … PRIMARY KEY … ORDER BY …` */
  readonly keys: string
  /** The expression that a retention is added to; null when the table has no time. */
  readonly anchor: string | null
  readonly settings: string
  /** Equal for equal definitions. Retention and names do not count. */
  readonly hash: string
  /** For the identity: declared types that the columns' ClickHouse types do not tell. */
  readonly types: Readonly<Record<string, string>>
}

type Section = ReturnType<typeof clickhouseSection.parse>

/** `version`: the server's. Throws `refused` for what ClickHouse cannot hold, by column. */
export function tableDefinition(schema: TableSchema, version: string): TableDefinition {
  const section = sectionOf(schema)
  const there = ({ since, before }: { since?: string | undefined; before?: string | undefined }): boolean =>
    (since === undefined || versionNumber(version) >= versionNumber(since)) &&
    (before === undefined || versionNumber(version) < versionNumber(before))
  const types: Record<string, string> = {}
  const columns = schema.fields.map((field) => {
    const own = section.columns[field.name]
    const type = own?.type ?? clickhouseType(field)
    if (!sameType(storedType(type), field.type)) types[field.name] = formatType(field.type)
    return column(field.name, type, {
      ...(own?.default === undefined ? {} : { value: `DEFAULT ${own.default}` }),
      comment: field.description,
      codec: own?.codec,
    })
  })
  for (const { name, type, expression, codec } of section.materialized.filter(there))
    columns.push(column(name, type, { value: `MATERIALIZED ${expression}`, codec }))
  for (const { name, type, expression } of section.aliases.filter(there))
    columns.push(column(name, type, { value: `ALIAS ${expression}` }))
  for (const { name, expression, type, granularity } of section.indexes.filter(there))
    columns.push(
      `INDEX ${quoteIdentifier(name)} ${expression} TYPE ${type}${granularity === undefined ? '' : ` GRANULARITY ${granularity}`}`,
    )
  const keys = [
    ...(section.partition_by === undefined ? [] : [`PARTITION BY ${section.partition_by}`]),
    ...(section.primary_key === undefined ? [] : [`PRIMARY KEY (${section.primary_key.join(', ')})`]),
    `ORDER BY (${section.order_by.join(', ')})`,
  ].join(' ')
  const settings = Object.entries(section.settings)
    .map(([name, value]) => `${name} = ${typeof value === 'string' ? quoteString(value) : Number(value)}`)
    .join(', ')
  const definition = { columns, engine: section.engine, keys, anchor: section.ttl ?? null, settings, types }
  return { ...definition, hash: definitionHash(JSON.stringify(definition)) }
}

export const definitionHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16)

/** The section, or what it would say for a schema without one. */
function sectionOf(schema: TableSchema): Section {
  const written = schema.extensions.clickhouse
  const section = written === undefined ? defaultSection(schema) : clickhouseSection.parse(written)
  if (!/^[A-Za-z]*MergeTree\b/.test(section.engine)) return section
  return { ...section, settings: { ...section.settings, non_replicated_deduplication_window: deduplicationWindow } }
}

function defaultSection(schema: TableSchema): Section {
  const sorted = schema.sortingColumns.map(({ name }) => name)
  const order = sorted.length > 0 ? sorted : schema.primaryKey
  const keys = [...schema.partitions, ...order]
  const nullable = schema.fields.some((field) => field.nullable && keys.includes(field.name))
  const partitions = schema.partitions.map(quoteIdentifier)
  const time = schema.fields.find((field) => field.name === schema.timeColumn)
  return clickhouseSection.parse({
    order_by: order.map(quoteIdentifier),
    ...(partitions.length === 0
      ? {}
      : { partition_by: partitions.length === 1 ? partitions[0] : `(${partitions.join(', ')})` }),
    ...(time === undefined
      ? {}
      : { ttl: `${time.type.kind === 'Date32' ? 'toDate' : 'toDateTime'}(${quoteIdentifier(time.name)})` }),
    settings: nullable ? { allow_nullable_key: 1 } : {},
  })
}

function column(
  name: string,
  type: string,
  more: { value?: string | undefined; comment?: string | undefined; codec?: string | undefined },
): string {
  return [
    quoteIdentifier(name),
    type,
    ...(more.value === undefined ? [] : [more.value]),
    ...(more.comment === undefined ? [] : [`COMMENT ${quoteString(more.comment)}`]),
    ...(more.codec === undefined ? [] : [`CODEC(${more.codec})`]),
  ].join(' ')
}

export interface CreateTable {
  readonly database: string
  /** The physical name. */
  readonly name: string
  readonly definition: TableDefinition
  /** Its hash and types are the definition's. */
  readonly identity: Omit<Identity, 'hash' | 'types'>
  /** Null = rows are kept for ever. */
  readonly retentionSeconds: number | null
}

/** Fails when something of that name exists: `IF NOT EXISTS` would hide that it is another table. */
export function createTableSql({ database, name, definition, identity, retentionSeconds }: CreateTable): string {
  const { columns, engine, keys, anchor, settings, hash, types } = definition
  const comment = formatIdentity({ ...identity, hash, ...(Object.keys(types).length === 0 ? {} : { types }) })
  return [
    `CREATE TABLE ${quoteName(database, name)} (\n  ${columns.join(',\n  ')}\n)`,
    `ENGINE = ${engine} ${keys}`,
    ...(retentionSeconds === null ? [] : [`TTL ${ttlExpression(anchor, retentionSeconds, identity.table)}`]),
    ...(settings === '' ? [] : [`SETTINGS ${settings}`]),
    `COMMENT ${quoteString(comment)}`,
  ].join('\n')
}

function ttlExpression(anchor: string | null, seconds: number, table: string): string {
  if (anchor === null)
    throw fail(
      'refused',
      'no-time-column',
      `table ${printable(table)} has no time column, so nothing tells how old a row is`,
      {
        hint: 'leave the retention out, or give the schema a time_column',
      },
    )
  return `${anchor} + ${intervalOf(seconds)}`
}

/** With its own engine: the embedded engine's default one cannot take back a drop. */
export const createDatabaseSql = (database: string): string =>
  `CREATE DATABASE IF NOT EXISTS ${quoteIdentifier(database)} ENGINE = Atomic`
