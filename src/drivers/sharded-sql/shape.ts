/** What a new table looks like: a topology made of a statement's definition, a table schema, or a sync's fields; or a refusal by name. */

import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import type { TableDefinition } from '../../core/table-definition.ts'
import type { TableSchema } from '../../core/table-schema.ts'
import type { Field } from '../../core/types.ts'
import { canBeKey } from './buckets.ts'
import { bucketColumn, type Column, layShards, rowColumn, type Topology } from './topology.ts'
import { readSqlType, refuseType } from './types.ts'

/** What is asked for, before it is laid out over nodes. */
export interface Shape {
  readonly schema: string | null
  readonly columns: readonly Column[]
  readonly partitions: readonly string[]
  readonly timeColumn: string | null
  readonly primaryKey: readonly string[]
  readonly shardKey: string
  readonly unique: readonly (readonly string[])[]
}

/** PostgreSQL cuts longer names off, and then they may be others. */
const longestName = 63
const mostColumns = 1000

export function shapeOfDefinition(definition: TableDefinition, shardKey: string | null): Shape {
  if (definition.kind !== 'table')
    throw fail('unsupported', 'unsupported-table', `driver sharded-sql makes no ${definition.kind} tables`, {
      hint: 'CREATE TABLE name (…)',
    })
  const { primaryKey } = definition
  if (primaryKey.length === 0)
    throw fail('refused', 'no-primary-key', 'CREATE TABLE must have a PRIMARY KEY column or constraint', {
      hint: 'rows are dealt out to the shards by it',
    })
  const columns = definition.columns.map((column): Column => {
    if (column.default !== null)
      throw fail(
        'refused',
        'default-unsupported',
        `column "${printable(column.name)}" has a DEFAULT, which is not supported`,
        {
          hint: 'leave it out, and give the value with each row',
        },
      )
    const nullable = column.nullable && !primaryKey.includes(column.name)
    return { name: column.name, nullable, ...readSqlType(column.type, column.name) }
  })
  return checked(
    { schema: null, columns, partitions: [], timeColumn: null, primaryKey, unique: definition.unique },
    shardKey,
  )
}

/** A schema without a primary key makes a table whose rows have a key of their own. */
export function shapeOfSchema(schema: TableSchema, shardKey: string | null): Shape {
  const { name, fields, partitions, timeColumn, primaryKey } = schema
  return checked(
    { schema: name, columns: columnsOf(fields, primaryKey), partitions, timeColumn, primaryKey, unique: [] },
    shardKey,
  )
}

export function shapeOfFields(fields: readonly Field[], key: readonly string[]): Shape {
  return checked(
    { schema: null, columns: columnsOf(fields, key), partitions: [], timeColumn: null, primaryKey: key, unique: [] },
    null,
  )
}

const columnsOf = (fields: readonly Field[], key: readonly string[]): Column[] =>
  fields.map((field) => {
    refuseType(field.type, field.name)
    return { ...field, nullable: field.nullable && !key.includes(field.name), domain: null }
  })

function checked(shape: Omit<Shape, 'shardKey'>, wanted: string | null): Shape {
  const { columns, primaryKey, unique } = shape
  checkNames(columns)
  const known = new Set(columns.map(({ name }) => name))
  for (const name of [...primaryKey, ...unique.flat(), ...(wanted === null ? [] : [wanted])])
    if (!known.has(name))
      throw fail('refused', 'unknown-column', `a key names column "${printable(name)}", which the table does not have`)
  const shardKey = wanted ?? primaryKey[0] ?? rowColumn
  if (wanted !== null && !primaryKey.includes(wanted))
    throw fail('refused', 'bad-shard-key', `shard key "${printable(wanted)}" is not part of the primary key`, {
      hint: 'the primary key must hold it, or no shard could tell that a key is taken',
    })
  for (const name of primaryKey) {
    const { type } = columns.find((column) => column.name === name)!
    if (!canBeKey(type))
      throw fail('refused', 'bad-key', `column "${printable(name)}" cannot be part of a key: it is a ${type.kind}`)
  }
  for (const names of unique)
    if (!names.includes(shardKey))
      throw fail(
        'refused',
        'unique-unsupported',
        `UNIQUE (${names.map(printable).join(', ')}) does not hold the shard key "${printable(shardKey)}"`,
        {
          hint: 'each shard sees its own rows alone, so it could not be kept over all of them; add the shard key to it, or leave it out',
        },
      )
  return { ...shape, shardKey }
}

function checkNames(columns: readonly Column[]): void {
  if (columns.length === 0 || columns.length > mostColumns)
    throw fail('refused', 'bad-columns', `a table has 1 to ${mostColumns} columns`)
  const seen = new Set<string>()
  for (const { name } of columns) {
    const lower = name.toLowerCase()
    const why =
      lower === rowColumn || lower === bucketColumn
        ? 'tblctl keeps that name for itself'
        : seen.has(lower)
          ? 'another column has this name, or differs from it only in case'
          : Buffer.byteLength(name) > longestName
            ? `it has more than ${longestName} bytes`
            : name === '' || name.includes('\0')
              ? 'it is no name'
              : null
    if (why) throw fail('refused', 'bad-column-name', `column "${printable(name)}" cannot be stored: ${why}`)
    seen.add(lower)
  }
}

export function newTopology(
  shape: Shape,
  at: { readonly project: string; readonly table: string; readonly shards: number; readonly nodes: readonly string[] },
  made: { readonly id: string; readonly createdAt: string; readonly job: string },
): Topology {
  const { project, table } = at
  return {
    nodes: {},
    project,
    table,
    epoch: 1,
    state: 'creating',
    generation: 1,
    hash: 'xxh64-12',
    ...shape,
    shards: layShards(made.id, table, 1, at.shards, at.nodes),
    ...made,
  }
}
