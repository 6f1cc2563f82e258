/** `tblctl tenant create`: all tables of a set of table schemas. */
import { fail } from '../../../core/errors.ts'
import type { CommandModule } from '../../command.ts'
import { reportColumns } from '../../output/report.ts'
import { runOperation } from '../../tables/operation.ts'
import { changing, type TableContext } from '../../tables/traits.ts'
import { type ChoiceOptions, choiceOf, choiceOptions, tenantsArgument } from './choice.ts'

interface Options extends ChoiceOptions {
  readonly schemaSet?: string
  readonly retention?: string
}

export const create: CommandModule<{ tenants: readonly string[] }, Options> = {
  name: 'create',
  summary: 'Create all tables of tenants',
  description:
    'Again, it makes what is missing, says where a table is not as the set wants it, and else changes nothing. Failed, it takes back what it made; killed, the same command goes on.',
  examples: [
    {
      command: 'tblctl tenant create ch:acme ch:globex --schema-set hyperdx',
      does: "HyperDX's tables, rollups and views for two",
    },
    {
      command: 'tblctl tenant create ch:acme --schema-set hyperdx --retention 30d --dry-run',
      does: 'only say what would be made',
    },
    {
      command: 'tblctl tenant create --backend ch --tenant-id "Müller & Söhne" --schema-set hyperdx',
      does: 'a tenant whose id is no name',
    },
  ],
  arguments: [tenantsArgument],
  options: [
    { flags: '--schema-set <name>', description: 'which tables: hyperdx' },
    {
      flags: '--retention <duration>',
      description: 'how long rows are kept, such as 30d, or none for ever (as the table schemas say)',
    },
    ...choiceOptions,
  ],
  takes: changing,
  columns: reportColumns,
  run: (context: TableContext, { tenants }, { schemaSet, retention = null, ...choice }) => {
    if (schemaSet === undefined)
      throw fail('usage', 'missing-schema-set', 'tenant create needs --schema-set NAME', {
        hint: 'such as --schema-set hyperdx',
      })
    return runOperation(context, (api) =>
      api.tenants.operate('tenant.create', choiceOf(tenants, choice), { schemaSet, retention }, context.global.dryRun),
    )
  },
}
