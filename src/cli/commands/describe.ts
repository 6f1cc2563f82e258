/** `tblctl describe`: what was asked for and what is there. */
import type { TableView } from '../../api/tables.ts'
import type { CommandModule } from '../command.ts'
import type { ListView, ObjectView, Section } from '../output/view.ts'
import { factSections } from '../tables/facts.ts'
import { gather, reportErrors } from '../tables/gather.ts'
import { labelsText } from '../tables/labels.ts'
import { shortTime } from '../tables/list-columns.ts'
import { selectionOf, singleRef } from '../tables/selection.ts'
import { type TravelOptions, travelOf, travelOptions } from '../tables/time-travel.ts'
import { readingChosen, type TableContext } from '../tables/traits.ts'

export const command: CommandModule<{ refs: readonly string[] }, TravelOptions> = {
  name: 'describe',
  summary: 'Show a table: spec, status, schema',
  examples: [
    { command: 'tblctl describe lake:acme/metrics', does: 'for people' },
    { command: 'tblctl describe lake:acme/metrics -o json', does: 'for scripts: .spec, .status, .schema.fields[]' },
    { command: 'tblctl describe "lake:acme/*"', does: 'several tables' },
    { command: 'tblctl describe lake:acme/metrics --version 3', does: 'as it was, where it has versions' },
  ],
  arguments: [{ name: '[refs...]', description: 'tables, projects (lake:acme/) or globs', completes: 'table' }],
  options: travelOptions,
  takes: readingChosen,
  async run(context: TableContext, { refs }, options) {
    const { global, io } = context
    const at = travelOf(options)
    const api = await context.api()
    const single = singleRef(selectionOf(global, refs))
    if (single !== null) return context.print(objectView(await api.describe(single, at)))
    const { items, errors } = await gather(context, refs, (ref) => api.describe(ref, at))
    if (global.output === 'table' || global.output === 'wide')
      for (const [at, item] of items.entries()) {
        if (at > 0) await io.stdout.write('\n')
        await context.print(objectView(item))
      }
    else await context.print(listView(items, errors))
    return reportErrors(context, errors)
  },
}

function objectView({ kind, ...table }: TableView): ObjectView {
  return { is: 'object', kind, object: table, name: table.ref, sections: sectionsOf(table) }
}

function listView(items: readonly TableView[], errors: readonly object[]): ListView<TableView> {
  return {
    is: 'list',
    kind: 'TableDescriptionList',
    columns: [
      { name: 'ref', value: (item) => item.ref },
      { name: 'driver', value: (item) => item.spec.driver },
      { name: 'schema', value: (item) => item.spec.schema },
      { name: 'location', value: (item) => item.spec.location },
      { name: 'columns', value: (item) => item.schema.fields.length },
      ...['version', 'files', 'rows', 'bytes'].map((name) => ({
        name,
        value: (item: TableView) => item.status[name],
      })),
    ],
    items,
    after: { errors },
  }
}

function sectionsOf({ ref, spec, status, schema, details }: Omit<TableView, 'kind'>): Section[] {
  const time = (value: unknown) => (typeof value === 'string' ? { value, text: shortTime(value) } : { value: null })
  return [
    {
      lines: [
        { label: 'Table', value: ref },
        { label: 'Driver', value: spec.driver },
        { label: 'Schema', value: spec.schema, ...(spec.schema === null ? { unknown: 'none; see below' } : {}) },
        { label: 'Location', value: spec.location },
        { label: 'Labels', value: labelsText((spec.labels ?? {}) as Record<string, string>) },
        { label: 'Registered', ...time(spec.createdAt) },
        { label: 'Updated', ...time(spec.updatedAt) },
      ],
    },
    ...factSections('Status', status),
    {
      title: 'Columns',
      table: {
        columns: [
          { name: 'name', value: (field) => field.name },
          { name: 'type', value: (field) => field.type },
          { name: 'null', value: (field) => (field.nullable ? 'yes' : 'no') },
          {
            name: 'partition',
            value: (field) =>
              schema.partitions.includes(field.name) ? String(schema.partitions.indexOf(field.name) + 1) : '',
          },
          { name: 'description', value: (field) => field.description ?? '' },
        ],
        items: schema.fields,
      },
    },
    ...factSections('Details', details),
  ]
}
