/** `tblctl schema list`: every table schema that `create --schema` knows. */
import type { Tblctl } from '../../../api/open.ts'
import { exitCodes } from '../../../core/errors.ts'
import type { CommandContext, CommandModule } from '../../command.ts'
import type { Column } from '../../output/view.ts'
import { registryOf } from './registry.ts'

type Registry = ReturnType<Tblctl['schemas']>
type Entry = Awaited<ReturnType<Registry['list']>>['schemas'][number]

const columns: readonly Column<Entry>[] = [
  { name: 'name', value: (entry) => entry.name },
  { name: 'version', align: 'right', value: (entry) => entry.version },
  { name: 'columns', align: 'right', value: (entry) => entry.columns },
  { name: 'origin', value: (entry) => entry.origin },
  { name: 'description', value: (entry) => entry.description },
  { name: 'file', wide: true, value: (entry) => entry.file },
  { name: 'overrides', wide: true, value: (entry) => entry.overrides },
]

export const list: CommandModule = {
  name: 'list',
  summary: 'List table schemas: those that ship, and those of the config',
  examples: [
    { command: 'tblctl schema list', does: 'works without a tblctl.yaml too' },
    { command: 'tblctl schema list -o name', does: 'what create --schema takes' },
  ],
  takes: ['config', 'output'],
  columns,
  async run(context: CommandContext<Tblctl>) {
    const { schemas, broken } = await (await registryOf(context)).list()
    const after = { broken }
    await context.print({ is: 'list', kind: 'TableSchemaList', columns, items: schemas, after, none: 'no schemas' })
    for (const { file, error } of broken) context.reporter.log('warn', `${error.where ?? file}: ${error.message}`)
    return broken.length > 0 ? exitCodes.config : 0
  },
}
