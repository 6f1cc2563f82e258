/** alter: columns dropped, renamed and added. What is so already is left as it is, so that the same command can be given again. */
import { fail, TblctlError } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import { didYouMean } from '../../../core/suggest.ts'
import { type DataType, type Field, formatType, parseType, sameType } from '../../../core/types.ts'
import type { Metadata } from '../log/actions.ts'
import { columnMappingOf, physicalName } from '../log/column-mapping.ts'
import { usesOf } from '../log/column-uses.ts'
import { formatExact } from '../log/exact-json.ts'
import {
  addColumn,
  type ColumnPath,
  columnExists,
  dropColumn,
  findColumn,
  formatPath,
  parsePath,
  renameColumn,
} from '../log/schema-edit.ts'
import { type DeltaField, parseSchema } from '../log/schema-string.ts'
import { retentionProperty, timeColumnProperty, withoutColumn, withRenamedColumn } from '../table-properties.ts'
import { formatSchemaString, parseSchemaString } from '../types.ts'
import { type Draft, metadataOf, requireMapping } from './draft.ts'

export function dropColumns(draft: Draft, names: readonly string[]): void {
  for (const text of names) {
    const path = parsePath(draft.schema, text)
    if (findColumn(draft.schema, path) === undefined) {
      draft.remarks.push(`there is no column ${printable(text)} to drop`)
      continue
    }
    requireUnused(draft, path, 'dropped')
    requireMapping(draft)
    draft.schema = dropColumn(draft.schema, path)
    const { partitionColumns, configuration } = draft.metadata
    if (draft.schema.fields.every(({ name }) => partitionColumns.includes(name)))
      throw fail(
        'refused',
        'last-column',
        `column ${printable(text)} is the last one that does not partition the table`,
      )
    draft.metadata = { ...draft.metadata, configuration: withoutColumn(configuration, path) }
    draft.done.dropped.push(formatPath(path))
  }
}

export function renameColumns(draft: Draft, renames: readonly { readonly from: string; readonly to: string }[]): void {
  for (const { from, to } of renames) {
    const path = parsePath(draft.schema, from)
    const renamed = [...path.slice(0, -1), to]
    if (path.length > 1 && to.includes('.'))
      throw fail('usage', 'bad-column', `the new name of ${printable(from)} is said alone, without what it stands in`)
    if (to.includes('\0')) throw fail('usage', 'bad-column', 'a column name cannot hold NUL')
    if (findColumn(draft.schema, path) === undefined) {
      if (findColumn(draft.schema, renamed) === undefined) throw noSuchColumn(draft, from)
      draft.remarks.push(`column ${printable(from)} is called ${printable(to)} already`)
      continue
    }
    if (path.at(-1) === to) continue
    requireUnused(draft, path, 'renamed')
    requireMapping(draft)
    draft.schema = renameColumn(draft.schema, path, to)
    const { partitionColumns, configuration } = draft.metadata
    draft.metadata = {
      ...draft.metadata,
      partitionColumns: partitionColumns.map((name) => (path.length === 1 && name === path[0] ? to : name)),
      configuration: withRenamedColumn(
        path[0] === draft.declared.timeColumn ? pinned(draft) : configuration,
        path,
        renamed,
      ),
    }
    draft.done.renamed.push({ from: formatPath(path), to: formatPath(renamed) })
  }
}

export function addColumns(
  draft: Draft,
  columns: readonly { readonly name: string; readonly type: string; readonly description: string | null }[],
): void {
  for (const { name, type, description } of columns) {
    const path = parsePath(draft.schema, name)
    const wanted = {
      name: path.at(-1)!,
      type: typeOf(type),
      nullable: true,
      ...(description === null ? {} : { description }),
    }
    const there = sameColumn(draft, path)
    if (there === undefined) putColumn(draft, path, wanted)
    else if (!sameType(fieldOf(there).type, wanted.type))
      throw columnExists(path, ` of type ${formatType(fieldOf(there).type)}`)
    else if (description !== null && fieldOf(there).description !== description)
      throw columnExists(path, ' with another description')
  }
}

/** Null in the rows that are there. */
export function putColumn(draft: Draft, path: ColumnPath, field: Field): void {
  const [added] = parseSchema(formatSchemaString([field])).fields
  draft.schema = addColumn(draft.schema, path.slice(0, -1), added!)
  draft.done.added.push({ name: formatPath(path), type: formatType(field.type) })
}

export const fieldOf = (field: DeltaField): Field =>
  parseSchemaString(formatExact({ type: 'struct', fields: [field] }))[0]!

function sameColumn({ schema }: Draft, path: ColumnPath): DeltaField | undefined {
  try {
    return findColumn(schema, path)
  } catch (error) {
    if (error instanceof TblctlError && error.view.code === 'column-case')
      throw columnExists(path, ', written in another case')
    throw error
  }
}

/** A type on a flag is how the command is used. */
function typeOf(text: string): DataType {
  try {
    return parseType(text)
  } catch (error) {
    if (!(error instanceof TblctlError)) throw error
    const { code, message, hint } = error.view
    throw fail('usage', code, message, hint === undefined ? {} : { hint })
  }
}

/** Throws `refused`/`column-in-use` naming what speaks of the column. */
function requireUnused(draft: Draft, path: ColumnPath, how: 'dropped' | 'renamed'): void {
  const { snapshot, schema, metadata, protocol } = draft
  const [name] = path as readonly [string, ...string[]]
  const inUse = (by: string): Error =>
    fail('refused', 'column-in-use', `column ${printable(formatPath(path))} cannot be ${how}: ${printable(by)} uses it`)
  const mapping = columnMappingOf(protocol, metadataOf(draft))
  const column = { name, physicalName: physicalName(mapping, name) }
  for (const { by, byName } of usesOf(column, { schema, metadata, domains: snapshot.domains }))
    if (how === 'dropped' || byName) throw inUse(by)
  if (how === 'renamed' || path.length > 1) return
  if (metadata.partitionColumns.includes(name)) throw inUse('the partitioning of the table')
  if (measuredColumn(draft) === name) throw inUse('the retention of the table')
}

/** What only the table schema said of the time column, which knows no new name of it. */
function pinned({ metadata: { configuration }, declared }: Draft): Metadata['configuration'] {
  const { retention, timeColumn } = declared
  return {
    ...(timeColumn === null ? {} : { [timeColumnProperty]: timeColumn }),
    ...(retention === null ? {} : { [retentionProperty]: retention }),
    ...configuration,
  }
}

/** What the retention of the table measures; null when its rows are kept for ever. */
function measuredColumn({ metadata, declared }: Draft): string | null {
  const { [retentionProperty]: retention = declared.retention, [timeColumnProperty]: column = declared.timeColumn } =
    metadata.configuration
  return retention === null || retention === 'none' ? null : column
}

function noSuchColumn({ schema }: Draft, name: string): Error {
  const near = didYouMean(
    name,
    schema.fields.map((field) => field.name),
  )
  return fail('refused', 'no-such-column', `the table has no column ${printable(name)}`, {
    hint: near === undefined ? 'tblctl describe REF lists its columns' : `did you mean ${printable(near)}?`,
  })
}
