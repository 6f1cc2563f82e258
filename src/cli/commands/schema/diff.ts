/** `tblctl schema diff A B`: what a table of A would go through to have B. */
import type { Tblctl } from '../../../api/open.ts'
import { compareSchemas, fieldObject, findSchema } from '../../../api/schemas.ts'
import type { Change } from '../../../core/change.ts'
import { type DataType, formatType } from '../../../core/types.ts'
import type { CommandContext, CommandModule } from '../../command.ts'
import { jsonText } from '../../output/json.ts'
import type { Column } from '../../output/view.ts'
import { registryOf } from './registry.ts'

const columns: readonly Column<Change>[] = [
  { name: 'change', value: changeText },
  {
    name: 'safe',
    value: (change) => change.safe,
    format: (safe: boolean) => (safe ? 'yes' : 'no'),
    paint: (safe: boolean) => (text, colors) => (safe ? colors.green(text) : colors.yellow(text)),
  },
  { name: 'rewrites', value: (change) => change.rewrites },
  { name: 'why', value: (change) => change.why },
]

export const diff: CommandModule<{ from: string; to: string }, { detailedExitcode?: boolean }> = {
  name: 'diff',
  summary: 'Show what separates two table schemas, and what it would cost a table',
  description:
    'A safe change is one that tables take by default; any other has to be asked for. Columns are matched by name: a renamed one is dropped and added.',
  examples: [
    { command: 'tblctl schema diff metrics ./schemas/metrics.yaml', does: 'the shipped one against your own' },
    {
      command: 'tblctl schema diff old.yaml new.yaml --detailed-exitcode',
      does: 'for CI: exit code 2 when they differ',
    },
  ],
  arguments: [
    { name: '<from>', description: 'name of a schema, or a YAML file', completes: 'schema' },
    { name: '<to>', description: 'the same', completes: 'schema' },
  ],
  options: [{ flags: '--detailed-exitcode', description: 'exit with 2 when they differ' }],
  takes: ['config', 'output'],
  columns,
  async run(context: CommandContext<Tblctl>, args, { detailedExitcode = false }) {
    const registry = await registryOf(context)
    const { directory } = context.io
    const [from, to] = [
      await findSchema(registry, args.from, directory),
      await findSchema(registry, args.to, directory),
    ]
    const changes = await compareSchemas(from, to)
    const machine = !['table', 'wide', 'csv'].includes(context.global.output)
    await context.print({
      is: 'list',
      kind: 'SchemaDiff',
      columns,
      before: { from: from.name, to: to.name },
      items: machine ? changes.map(withTypeText) : changes,
      name: ({ is }) => is,
      none: 'no difference',
    })
    return detailedExitcode && changes.length > 0 ? 2 : 0
  },
}

/** Types as their text in machine output. */
function withTypeText(change: Change): object {
  if (change.is === 'add-column' || change.is === 'drop-column') return { ...change, field: fieldObject(change.field) }
  if (change.is === 'widen-type' || change.is === 'change-type')
    return { ...change, from: formatType(change.from), to: formatType(change.to) }
  return change
}

function changeText(change: Change): string {
  switch (change.is) {
    case 'add-column':
    case 'drop-column': {
      const { name, type, nullable } = change.field
      const sign = change.is === 'add-column' ? '+' : '-'
      return `${sign} ${name} ${formatType(type)}${nullable ? '' : ' not null'}`
    }
    case 'widen-type':
    case 'change-type':
      return `~ ${change.column} ${typesText(change)}`
    case 'change-nullability':
      return `~ ${change.column} ${change.nullable ? 'nullable' : 'not null'}`
    case 'change-description':
      return `~ ${change.column === null ? 'description' : `${change.column} description`}`
    case 'reorder-columns':
      return '~ order of the columns'
    case 'change-partitions':
      return `~ partitions ${valuesText(change)}`
    case 'change-sorting':
      return `~ sorting_columns ${valuesText({
        from: change.from.map(({ name }) => name),
        to: change.to.map(({ name }) => name),
      })}`
    case 'change-z-order':
      return `~ z_order_columns ${valuesText(change)}`
    case 'change-primary-key':
      return `~ primary_key ${valuesText(change)}`
    case 'change-retention':
      return `~ retention ${valuesText(change)}`
    case 'change-setting':
      return `~ ${change.setting.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)} ${valuesText(change)}`
    case 'change-section':
      return `~ section ${change.section}`
  }
}

const typesText = ({ from, to }: { from: DataType; to: DataType }): string => `${formatType(from)} → ${formatType(to)}`

function valuesText({ from, to }: { from: unknown; to: unknown }): string {
  const text = (value: unknown): string =>
    value === null
      ? 'none'
      : Array.isArray(value)
        ? value.join(', ') || 'none'
        : jsonText(value, null).replaceAll('"', '')
  return `${text(from)} → ${text(to)}`
}
