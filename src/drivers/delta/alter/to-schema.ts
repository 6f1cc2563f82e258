/** alter --to-schema: the table gets what it lacks of a table schema; every other difference is refused, all of them by name. */
import type { Change } from '../../../core/change.ts'
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { TableSchema } from '../../../core/table-schema.ts'
import { formatType } from '../../../core/types.ts'
import { diffSchemas } from '../../../schemas/diff.ts'
import { formatExact } from '../log/exact-json.ts'
import { sameName } from '../log/schema-edit.ts'
import type { DeltaField } from '../log/schema-string.ts'
import { retentionProperty, timeColumnProperty } from '../table-properties.ts'
import { parseSchemaString } from '../types.ts'
import { putColumn } from './columns.ts'
import type { Draft } from './draft.ts'

const mostNamed = 20

export function fitSchema(draft: Draft, schema: TableSchema): void {
  const changes = diffSchemas(asSchema(draft, schema), schema)
  const refused = changes.flatMap((change) => refusalOf(draft, change) ?? [])
  if (refused.length > 0) {
    const more = refused.length > mostNamed ? `; and ${refused.length - mostNamed} more` : ''
    const named = `${refused.slice(0, mostNamed).join('; ')}${more}`
    throw fail('refused', 'schema-differs', `the table differs from ${schema.name} in what is not added: ${named}`, {
      hint: 'say such changes one by one: --drop-column, --rename-column, --retention; types and partitions need a new table',
    })
  }
  for (const change of changes) apply(draft, change)
  if (schema.timeColumn !== null && draft.metadata.configuration[timeColumnProperty] === undefined) {
    const configuration = { ...draft.metadata.configuration, [timeColumnProperty]: schema.timeColumn }
    draft.metadata = { ...draft.metadata, configuration }
    draft.done.set[timeColumnProperty] = schema.timeColumn
  }
}

/** The table as a table schema; what its log does not know is as wanted. */
function asSchema({ schema, metadata, declared }: Draft, wanted: TableSchema): TableSchema {
  const retention = metadata.configuration[retentionProperty] ?? declared.retention
  return {
    ...wanted,
    description: metadata.description ?? null,
    fields: parseSchemaString(formatExact(schema)),
    partitions: metadata.partitionColumns,
    timeColumn: metadata.configuration[timeColumnProperty] ?? wanted.timeColumn,
    retention: retention === 'none' ? null : retention,
  }
}

/** Undefined for what is done, or left as it is. */
function refusalOf({ schema }: Draft, change: Change): string | undefined {
  switch (change.is) {
    case 'add-column': {
      const { name, nullable } = change.field
      const clash = schema.fields.find((field) => sameName(field.name, name))
      if (clash !== undefined) return `column ${printable(name)} is called ${printable(clash.name)} here`
      return nullable ? undefined : `column ${printable(name)} is not there and may not be null`
    }
    case 'drop-column':
      return `column ${printable(change.field.name)} is not in the schema`
    case 'widen-type':
    case 'change-type':
      return `column ${printable(change.column)} is ${formatType(change.from)} and not ${formatType(change.to)}`
    case 'change-nullability':
      return change.nullable ? undefined : `column ${printable(change.column)} may be null here`
    case 'change-partitions':
      return `it is partitioned by ${listed(change.from)} and not by ${listed(change.to)}`
    case 'change-retention':
      return `rows are kept ${change.from ?? 'for ever'} and not ${change.to ?? 'for ever'}`
    case 'change-setting':
      return `its ${change.setting} is ${printable(String(change.from))} and not ${printable(String(change.to))}`
    // The order of the table is kept; the others are not the log's to know.
    case 'change-description':
    case 'reorder-columns':
    case 'change-sorting':
    case 'change-z-order':
    case 'change-primary-key':
    case 'change-section':
      return undefined
  }
}

const listed = (names: readonly string[]): string => (names.length === 0 ? 'nothing' : names.map(printable).join(', '))

function apply(draft: Draft, change: Change): void {
  if (change.is === 'add-column') putColumn(draft, [change.field.name], change.field)
  else if (change.is === 'change-nullability')
    editField(draft, change.column, (field) => ({ ...field, nullable: change.nullable }))
  // A description that the schema does not have is somebody else's, and stays.
  else if (change.is === 'change-description' && change.to !== null) describe(draft, change.column, change.to)
}

function describe(draft: Draft, column: string | null, description: string): void {
  if (column === null) {
    draft.metadata = { ...draft.metadata, description }
    draft.done.changed.push('')
  } else editField(draft, column, (field) => ({ ...field, metadata: { ...field.metadata, comment: description } }))
}

function editField(draft: Draft, column: string, edit: (field: DeltaField) => DeltaField): void {
  const fields = draft.schema.fields.map((field) => (field.name === column ? edit(field) : field))
  draft.schema = { ...draft.schema, fields }
  if (!draft.done.changed.includes(column)) draft.done.changed.push(column)
}
