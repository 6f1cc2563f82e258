/** `tblctl create`: a table from a table schema. */
import { fail } from '../../core/errors.ts'
import type { CommandModule } from '../command.ts'
import { positiveInteger } from '../flags/values.ts'
import { reportColumns } from '../output/report.ts'
import { labelOption, mergeLabels } from '../tables/labels.ts'
import { locationOption } from '../tables/location.ts'
import { runOperation } from '../tables/operation.ts'
import { changing, type TableContext } from '../tables/traits.ts'

interface Options {
  readonly schema?: string
  readonly location?: string
  readonly shards?: number
  readonly shardKey?: string
  readonly flushPolicy?: string
  readonly label?: readonly Readonly<Record<string, string>>[]
}

export const command: CommandModule<{ refs: readonly string[] }, Options> = {
  name: 'create',
  summary: 'Create tables from a table schema',
  description: 'Again with the same schema, it changes nothing; a table with another schema is refused.',
  examples: [
    { command: 'tblctl create lake:acme/metrics --schema metrics', does: 'from a schema that ships with tblctl' },
    {
      command: 'tblctl create lake:acme/a lake:acme/b --schema events --label tier=hot',
      does: 'several, with a label',
    },
    { command: 'tblctl create shop:orders --schema orders --shards 4', does: 'four shards' },
    { command: 'tblctl create lake:acme/metrics --schema metrics --dry-run', does: 'only say what would be done' },
  ],
  arguments: [{ name: '<refs...>', description: 'names of the new tables, as BACKEND:PROJECT/TABLE' }],
  options: [
    {
      flags: '--schema <name>',
      description: 'table schema: one that ships, or one of the folders in tblctl.yaml',
      completes: 'schema',
    },
    locationOption,
    {
      flags: '--shards <n>',
      description: 'shards that the table is spread over, where it has shards',
      parse: positiveInteger(256),
    },
    { flags: '--shard-key <column>', description: 'column that says on which shard a row is; part of the primary key' },
    {
      flags: '--flush-policy <policy>',
      description: 'when hot rows are due to become cold: "ROWS 1000", "INTERVAL \'5 minutes\'" or both',
    },
    labelOption,
  ],
  takes: changing,
  columns: reportColumns,
  run: (context: TableContext, { refs }, { schema, location, label, shards, shardKey, flushPolicy }) => {
    if (schema === undefined)
      throw fail('usage', 'missing-schema', 'create needs --schema NAME', {
        hint: 'schemas that ship: metrics, events, otel_logs_and_spans, …; TAB after --schema completes them',
      })
    return runOperation(context, (api) => {
      const options = {
        schema,
        location: location ?? null,
        labels: mergeLabels(label),
        settings: {
          ...(shards === undefined ? {} : { shards }),
          ...(shardKey === undefined ? {} : { shardKey }),
          ...(flushPolicy === undefined ? {} : { flushPolicy }),
        },
      }
      return api.provision('create', refs, options, context.global.dryRun)
    })
  },
}
