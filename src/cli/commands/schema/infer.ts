/** `tblctl schema infer FILE…`: a table schema for rows that have none. */
import { inferSchema } from '../../../api/schemas.ts'
import type { RowFormat } from '../../../core/batch.ts'
import type { CommandContext, CommandModule } from '../../command.ts'
import { choice } from '../../flags/values.ts'

const formats = ['ndjson', 'csv', 'parquet'] as const satisfies readonly RowFormat[]

export const infer: CommandModule<{ files: readonly string[] }, { name?: string; format?: RowFormat }> = {
  name: 'infer',
  summary: 'Print the YAML of a table schema that holds the rows of files',
  description:
    'Of NDJSON and CSV a sample is read, and every column may be null; a Parquet file says what it holds. Look at the result before tables are made of it.',
  examples: [
    { command: 'tblctl schema infer rows.ndjson > schemas/rows.yaml', does: 'one file' },
    { command: 'tblctl schema infer data/*.parquet --name events', does: 'several, under a name of its own' },
  ],
  arguments: [{ name: '<files...>', description: 'NDJSON, CSV or Parquet files', completes: 'file' }],
  options: [
    { flags: '--name <name>', description: 'name of the schema (after the first file)' },
    {
      flags: '--format <format>',
      description: 'format of the files (by their endings)',
      choices: formats,
      parse: choice('format', formats),
    },
  ],
  takes: ['timeout'],
  async run({ io, stop }: CommandContext, { files }, { name = null, format = null }) {
    await io.stdout.write(await inferSchema({ files, directory: io.directory, format, name, signal: stop.hard }))
  },
}
