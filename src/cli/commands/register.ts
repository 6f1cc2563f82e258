/** `tblctl register`: the catalog learns a table that is there. */
import type { CommandModule } from '../command.ts'
import { reportColumns } from '../output/report.ts'
import { labelOption, mergeLabels } from '../tables/labels.ts'
import { locationOption } from '../tables/location.ts'
import { runOperation } from '../tables/operation.ts'
import { changing, type TableContext } from '../tables/traits.ts'

interface Options {
  readonly location?: string
  readonly convert?: boolean
  readonly label?: readonly Readonly<Record<string, string>>[]
}

export const command: CommandModule<{ refs: readonly string[] }, Options> = {
  name: 'register',
  summary: 'Adopt tables that exist',
  description:
    'Reads what is there and remembers it in the catalog; nothing is written to the table, but with --convert a log beside the files. Again, it changes nothing. A whole project (PROJECT/) is what its driver makes of it.',
  examples: [
    { command: 'tblctl register lake:acme/metrics', does: 'the table at its usual place below the backend' },
    {
      command: 'tblctl register lake:acme/',
      does: "a Delta project's otel_logs_and_spans, created where there is none",
    },
    { command: 'tblctl register lake:nyt/covid --location ./covid-nyt', does: 'a table that lies anywhere' },
    {
      command: 'tblctl register lake:nyt/raw --location ./parquet --convert',
      does: 'a folder of Parquet files becomes a table, in place',
    },
    { command: 'tblctl register lake:acme/a lake:acme/b --label tier=hot', does: 'several, with a label' },
  ],
  arguments: [{ name: '<refs...>', description: 'tables that exist, as BACKEND:PROJECT/TABLE' }],
  options: [
    locationOption,
    { flags: '--convert', description: 'make a table of a folder of Parquet files; they stay where they are' },
    labelOption,
  ],
  takes: changing,
  columns: reportColumns,
  run: (context: TableContext, { refs }, { location, label, convert }) =>
    runOperation(context, (api) => {
      const options = { location: location ?? null, labels: mergeLabels(label), ...(convert ? { convert } : {}) }
      return api.provision('register', refs, options, context.global.dryRun)
    }),
}
