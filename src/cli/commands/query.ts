/** `tblctl query`: one read-only SELECT over a table. */
import type { CommandModule } from '../command.ts'
import { rowsView } from '../tables/rows.ts'
import { readStatement } from '../tables/statement.ts'
import { type TravelOptions, travelOf, travelOptions } from '../tables/time-travel.ts'
import { streaming, type TableContext } from '../tables/traits.ts'
import { asOption } from '../tables/user.ts'

interface Arguments {
  readonly ref: string
  readonly sql?: string
}

export const command: CommandModule<Arguments, { file?: string; as?: string } & TravelOptions> = {
  name: 'query',
  summary: 'Ask a table with one SELECT',
  description:
    'The table is visible as t. Only one read-only SELECT is allowed, and it sees nothing but this table.\n\nRows are printed as they come. 64-bit integers and decimals are exact, times are RFC 3339, bytes are base64.',
  examples: [
    { command: 'tblctl query lake:acme/metrics "select count(*) as n from t"', does: 'how many rows' },
    { command: 'tblctl query lake:acme/metrics "from t limit 10" -o json', does: 'for scripts: .columns, .rows[]' },
    {
      command: 'tblctl query lake:acme/metrics --file report.sql -o csv > report.csv',
      does: 'a statement from a file',
    },
    { command: 'tblctl query lake:acme/metrics "from t" --version 3', does: 'as it was, where it has versions' },
  ],
  arguments: [
    { name: '<ref>', description: 'the table', completes: 'table' },
    { name: '[sql]', description: 'the SELECT, or - to read it from standard input' },
  ],
  options: [
    { flags: '-f, --file <file>', description: 'read the SELECT from this file', completes: 'file' },
    asOption,
    ...travelOptions,
  ],
  takes: streaming,
  columns: 'dynamic',
  async run(context: TableContext, { ref, sql }, { file, as, ...travel }) {
    const { text } = await readStatement(context, sql, file, {
      verb: 'query',
      example: 'tblctl query REF "select count(*) from t"',
    })
    const api = await context.api()
    await using rows = await api.query(ref, text, { as: as ?? null, at: travelOf(travel) })
    await context.print(rowsView(rows, context.global))
  },
}
