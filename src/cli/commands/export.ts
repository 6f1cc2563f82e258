/** `tblctl export`: all rows of a table in one file, or on stdout. */
import { extname, resolve } from 'node:path'
import type { RowFormat } from '../../core/batch.ts'
import type { PointInTime } from '../../core/driver.ts'
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import { formatBytes } from '../../core/units.ts'
import type { CommandModule } from '../command.ts'
import { print } from '../output/print.ts'
import { rowFormats } from '../tables/row-formats.ts'
import { rowsView } from '../tables/rows.ts'
import { type TravelOptions, travelOf, travelOptions } from '../tables/time-travel.ts'
import { streaming, type TableContext } from '../tables/traits.ts'
import { asOption } from '../tables/user.ts'

const endings: Readonly<Record<string, RowFormat>> = {
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
  '.csv': 'csv',
  '.parquet': 'parquet',
}

type Reading = { readonly as: string | null; readonly at: PointInTime | null }

interface Options extends TravelOptions {
  readonly format?: RowFormat
  readonly out?: string
  readonly as?: string
}

export const command: CommandModule<{ ref: string }, Options> = {
  name: 'export',
  summary: 'Write all rows of a table into a file',
  description: 'The file is written whole or not at all; one that is there is replaced when the new one is complete.',
  examples: [
    { command: 'tblctl export lake:acme/metrics --out metrics.parquet', does: 'the format follows from the ending' },
    { command: 'tblctl export lake:acme/metrics --format csv --out - | head', does: 'on stdout' },
  ],
  arguments: [{ name: '<ref>', description: 'the table', completes: 'table' }],
  options: [
    {
      flags: '--format <format>',
      description: 'instead of what the ending says; on stdout ndjson or csv (ndjson)',
      choices: rowFormats,
    },
    { flags: '--out <file>', description: 'the file, or - for stdout', completes: 'file' },
    asOption,
    ...travelOptions,
  ],
  takes: [...streaming, 'approval'],
  prints: 'object',
  async run(context: TableContext, { ref }, { format, out, as, ...travel }) {
    if (out === undefined || out === '')
      throw fail('usage', 'missing-out', 'export needs --out FILE', { hint: '--out - writes to stdout' })
    const reading = { as: as ?? null, at: travelOf(travel) }
    return out === '-'
      ? toStdout(context, ref, format ?? 'ndjson', reading)
      : toFile(context, ref, out, format ?? formatOf(out), reading)
  },
}

function formatOf(out: string): RowFormat {
  const format = endings[extname(out).toLowerCase()]
  if (format !== undefined) return format
  throw fail('usage', 'unknown-format', `the format of ${printable(out)} cannot be told from its ending`, {
    hint: `use --format ${rowFormats.join(', ')}`,
  })
}

async function toFile(
  context: TableContext,
  ref: string,
  out: string,
  format: RowFormat,
  reading: Reading,
): Promise<void> {
  const file = resolve(context.io.directory, out)
  const { rows, bytes } = await (await context.api()).export(ref, { format, out: file }, reading)
  await context.print({
    is: 'object',
    kind: 'Export',
    object: { ref, format, out: file, rows, bytes },
    name: file,
    sections: [
      {
        lines: [
          { label: 'Table', value: ref },
          { label: 'File', value: file },
          { label: 'Format', value: format },
          { label: 'Rows', value: rows },
          { label: 'Bytes', value: bytes, text: formatBytes(bytes) },
        ],
      },
    ],
  })
}

async function toStdout(context: TableContext, ref: string, format: RowFormat, reading: Reading): Promise<void> {
  if (format === 'parquet')
    throw fail('usage', 'format-not-supported', 'a Parquet file cannot be written to stdout', {
      hint: '--out FILE, or --format ndjson or csv',
    })
  await using rows = await (await context.api()).query(ref, 'select * from t', reading)
  const options = { output: format, headers: true, columns: null, sortBy: null }
  await print(rowsView(rows, options), options, context.io)
}
