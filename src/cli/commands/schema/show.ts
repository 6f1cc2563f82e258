/** `tblctl schema show NAME`: one table schema. */
import type { Tblctl } from '../../../api/open.ts'
import { findSchema, schemaObject } from '../../../api/schemas.ts'
import type { TableSchema } from '../../../core/table-schema.ts'
import { type Field, formatType } from '../../../core/types.ts'
import type { CommandContext, CommandModule } from '../../command.ts'
import type { Column, Line } from '../../output/view.ts'
import { registryOf } from './registry.ts'

const columns: readonly Column<Field>[] = [
  { name: 'name', value: (field) => field.name },
  { name: 'type', value: (field) => formatType(field.type) },
  { name: 'nullable', value: (field) => field.nullable, format: (nullable: boolean) => (nullable ? 'yes' : 'no') },
  { name: 'description', value: (field) => field.description ?? '', format: (text: string) => text },
]

export const show: CommandModule<{ schema: string }> = {
  name: 'show',
  summary: 'Show a table schema',
  examples: [
    { command: 'tblctl schema show metrics', does: 'columns, partitions, order, retention' },
    { command: 'tblctl schema show ./schemas/mine.yaml -o json', does: 'a file, for scripts: .fields[].name' },
  ],
  arguments: [{ name: '<schema>', description: 'name of a schema, or a YAML file', completes: 'schema' }],
  takes: ['config', 'output'],
  prints: 'object',
  async run(context: CommandContext<Tblctl>, { schema: text }) {
    const schema = await findSchema(await registryOf(context), text, context.io.directory)
    await context.print({
      is: 'object',
      kind: 'TableSchema',
      object: schemaObject(schema),
      name: schema.name,
      sections: [{ lines: linesOf(schema) }, { title: 'Columns', table: { columns, items: schema.fields } }],
    })
  },
}

/** What is not set is left out. */
function linesOf(schema: TableSchema): Line[] {
  const names = (columns: readonly string[]): string | null => (columns.length === 0 ? null : columns.join(', '))
  const sorting = schema.sortingColumns.map(({ name, descending, nullsFirst }) =>
    [name, ...(descending ? ['descending'] : []), ...(nullsFirst ? ['nulls first'] : [])].join(' '),
  )
  const sections = Object.keys(schema.extensions)
  return [
    { label: 'name', value: schema.name },
    { label: 'version', value: schema.version },
    { label: 'description', value: schema.description },
    { label: 'partitions', value: names(schema.partitions) },
    { label: 'sorted by', value: names(sorting) },
    { label: 'z-order', value: names(schema.zOrderColumns) },
    { label: 'primary key', value: names(schema.primaryKey) },
    { label: 'time column', value: schema.timeColumn },
    { label: 'retention', value: schema.retention },
    { label: 'dedup keys', value: names(schema.dedupKeys) },
    { label: 'tiebreak', value: schema.dedupTiebreak },
    { label: 'tombstone', value: schema.tombstoneColumn },
    { label: 'sections', value: names(sections) },
  ].filter(({ value }) => value !== null)
}
