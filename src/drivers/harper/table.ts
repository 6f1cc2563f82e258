/** Tables of one Harper database: their names, their shapes as tblctl made them, and the operations on them. */
import { durable } from '../../core/durable.ts'
import { fail } from '../../core/errors.ts'
import type { JsonObject } from '../../core/json.ts'
import type { ReadContext } from '../../core/operation.ts'
import { defaultProject, isSegment, type Path, printable, refOfPath, segmentsOf, tablePath } from '../../core/ref.ts'
import type { Field } from '../../core/types.ts'
import { type Operations, Refused, type TableDescription } from './operations.ts'
import { attributeType, fieldOf } from './types.ts'

/** What tblctl made a table from: exact types, which attributes do not tell. */
export interface Shape {
  readonly fields: readonly Field[]
  readonly key: readonly string[]
  readonly partitions: readonly string[]
}

const shapes = 'tblctl_tables'
export const checkpoints = 'tblctl_checkpoints'
/** The primary key of tables whose key is not just one column. */
const rowId = 'tblctl_id'

/** Project `default` has the plain names; a `:` is in no ref, so no two refs share a name. */
export function nameOf(path: Path): string {
  const { project, table } = segmentsOf(path)
  if (project === defaultProject && [shapes, checkpoints].includes(table))
    throw fail('refused', 'reserved-table', `${refOfPath(path)} is a table of tblctl's own`)
  return project === defaultProject ? table : `${project}:${table}`
}

/** Undefined: no ref can name it, or it is tblctl's own. */
export function pathOf(backend: string, name: string): Path | undefined {
  if (name === shapes || name === checkpoints) return undefined
  const [project, table, more] = name.includes(':') ? name.split(':') : [defaultProject, name]
  if (more !== undefined || !isSegment(project!) || !isSegment(table!)) return undefined
  return name.startsWith(`${defaultProject}:`) ? undefined : tablePath(backend, project!, table!)
}

/** The attribute that rows are told apart by; it holds text. */
export const primaryKeyOf = (key: readonly string[]): string => (key.length === 1 ? key[0]! : rowId)

export class Database {
  readonly operations: Operations
  readonly name: string
  constructor(operations: Operations, name: string) {
    this.operations = operations
    this.name = name
  }

  /** Undefined when it is not there. */
  async find(table: string, ctx: ReadContext, exact = false): Promise<TableDescription | undefined> {
    const parameters = { table, ...(exact ? { exact_count: true } : {}) }
    return await this.call('describe_table', parameters, ctx).catch(whenMissing(undefined))
  }
  async tables(ctx: ReadContext): Promise<readonly TableDescription[]> {
    return Object.values(await this.call('describe_database', {}, ctx).catch(whenMissing({})))
  }
  async require(path: Path, ctx: ReadContext, exact = false): Promise<TableDescription> {
    const found = await this.find(nameOf(path), ctx, exact)
    if (found) return found
    throw fail('missing', 'table-not-found', `Harper has no table ${nameOf(path)} in database ${this.name}`, {
      hint: `tblctl create ${refOfPath(path)} --schema NAME`,
    })
  }

  /** Null: another program made the table, or made it anew. */
  async shape({ name, attributes }: TableDescription, ctx: ReadContext): Promise<Shape | null> {
    const record = await this.record(shapes, name, ctx)
    if (record === undefined) return null
    const shape = JSON.parse(record.shape as string) as Shape
    const there = new Set(attributes.map(({ attribute }) => attribute))
    return shape.fields.every((field) => there.has(field.name)) ? shape : null
  }
  async keepShape(table: string, shape: Shape, ctx: ReadContext): Promise<void> {
    await this.make(shapes, [{ name: 'shape', type: 'String' }], 'id', ctx)
    durable('harper.shape:before')
    await this.upsert(shapes, [{ id: table, shape: JSON.stringify(shape) }], ctx)
    durable('harper.shape:after')
  }
  /** A table with the attributes of `shape`, whose shape is kept first: a table without one is another program's. */
  async create(table: string, shape: Shape, ctx: ReadContext): Promise<void> {
    await this.keepShape(table, shape, ctx)
    const primary = primaryKeyOf(shape.key)
    const attributes = shape.fields.flatMap(({ name, type }) =>
      name === primary ? [] : [{ name, type: attributeType(type) }],
    )
    durable('harper.create-table:before')
    await this.make(table, attributes, primary, ctx)
    durable('harper.create-table:after')
  }
  async addAttribute(table: string, field: Field, ctx: ReadContext): Promise<void> {
    durable('harper.create-attribute:before')
    await this.call('create_attribute', { table, attribute: field.name }, ctx).catch(whenThere)
    durable('harper.create-attribute:after')
  }
  /** Undefined: there is no such record, or no such table. */
  async record(table: string, id: string, ctx: ReadContext): Promise<JsonObject | undefined> {
    return (await this.records(table, [id], ['*'], ctx))[0]
  }
  async records(
    table: string,
    ids: readonly string[],
    attributes: readonly string[],
    ctx: ReadContext,
  ): Promise<readonly JsonObject[]> {
    const parameters = { table, hash_values: ids, get_attributes: attributes }
    return await this.call('search_by_hash', parameters, ctx).catch(whenMissing([]))
  }
  async upsert(table: string, records: readonly object[], ctx: ReadContext): Promise<void> {
    try {
      await this.call('upsert', { table, records }, ctx)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      throw fail('data', 'harper-refused', `Harper refused rows of ${printable(table)}: ${error.message}`, {
        where: `${this.name}.${table}`,
        cause: error,
      })
    }
  }

  /** Makes a table, and the database where that is missing too. What is there stays as it is. */
  async make(
    table: string,
    attributes: readonly { readonly name: string; readonly type: string }[],
    primary: string,
    ctx: ReadContext,
  ): Promise<void> {
    await this.call('create_database', {}, ctx).catch(whenThere)
    const all = [{ name: primary, type: 'String' }, ...attributes]
    await this.call('create_table', { table, primary_key: primary, attributes: all }, ctx).catch(whenThere)
  }
  private call(operation: string, parameters: object, ctx: ReadContext): Promise<any> {
    return this.operations.call(operation, { database: this.name, ...parameters }, ctx)
  }
}

/** Columns as tblctl made them, else as the attributes tell. */
export const fieldsOf = (table: TableDescription, shape: Shape | null): readonly Field[] =>
  shape?.fields ?? table.attributes.map(fieldOf)

const whenMissing =
  <T>(instead: T) =>
  (error: unknown): T => {
    if (error instanceof Refused && (error.status === 404 || /does not exist/.test(error.message))) return instead
    throw error
  }
const whenThere = (error: unknown): void => {
  if (!(error instanceof Refused) || !/already exists/.test(error.message)) throw error
}
