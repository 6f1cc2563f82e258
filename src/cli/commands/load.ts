/** `tblctl load`: rows from files or standard input into a table. */
import type { OperationReport } from '../../api/operate.ts'
import type { RowFormat } from '../../core/batch.ts'
import type { LoadMode } from '../../core/driver.ts'
import { parseDuration, parseSize } from '../../core/units.ts'
import type { CommandModule } from '../command.ts'
import { names, positiveInteger } from '../flags/values.ts'
import { reportColumns } from '../output/report.ts'
import { clean } from '../output/text.ts'
import { given } from '../tables/given.ts'
import { runOperation } from '../tables/operation.ts'
import { rowFormats } from '../tables/row-formats.ts'
import { changing, type TableContext } from '../tables/traits.ts'
import { asOption } from '../tables/user.ts'

interface Options {
  readonly format?: RowFormat
  readonly batchId?: string
  readonly again?: boolean
  readonly commitRows?: number
  readonly commitBytes?: number
  readonly commitEvery?: number
  readonly rejectTo?: string
  readonly as?: string
  readonly mode?: 'append' | 'merge' | 'overwrite'
  readonly key?: readonly string[]
}

export const command: CommandModule<{ ref: string; files: readonly string[] }, Options> = {
  name: 'load',
  summary: 'Load rows from files or standard input',
  description:
    'The files named together are one batch, and a batch is loaded into a table once, however often the command is killed and run again. The same file named alone or beside others is another batch; what standard input brings is new each time, unless --batch-id names it.\n\nA row that does not fit ends the load and says its file, line and column; with --reject-to it is put aside and the load goes on.\n\nWith --mode merge a row takes the place of the row of its key, and of rows that share a key the last one stays. With --mode overwrite the rows take the place of all others in one step, and readers never see half of it.',
  examples: [
    { command: 'tblctl load lake:acme/metrics a.ndjson b.parquet', does: 'two files' },
    { command: 'producer | tblctl load lake:acme/metrics - --commit-every 10s', does: 'a stream, a commit every 10 s' },
    { command: 'tblctl load lake:acme/metrics day.csv --reject-to bad.ndjson', does: 'bad rows aside' },
    { command: 'tblctl load lake:acme/users day.csv --mode merge --key id', does: 'rows replace those of their id' },
    { command: 'tblctl load people:chat/messages m.ndjson --as u1', does: 'rows of one user' },
  ],
  arguments: [
    { name: '<ref>', description: 'the table', completes: 'table' },
    { name: '<files...>', description: 'NDJSON, CSV or Parquet files, or - for standard input', completes: 'file' },
  ],
  options: [
    { flags: '--format <format>', description: 'instead of what the ending says; - is ndjson', choices: rowFormats },
    { flags: '--batch-id <id>', description: 'name of this input instead of its hash: it is loaded once' },
    { flags: '--again', description: 'load the same input a second time' },
    { flags: '--commit-rows <n>', description: 'a commit after so many rows', parse: positiveInteger(1e12) },
    { flags: '--commit-bytes <size>', description: 'a commit after so much input', parse: parseSize },
    { flags: '--commit-every <duration>', description: 'a commit after so much time', parse: parseDuration },
    { flags: '--reject-to <file>', description: 'put rows that do not fit into this file', completes: 'file' },
    {
      flags: '--mode <mode>',
      description: 'append; merge, where rows replace those of their --key; overwrite, where they replace all',
      choices: ['append', 'merge', 'overwrite'],
    },
    {
      flags: '--key <columns>',
      description: 'columns that name a row, by commas, for --mode merge; default: the primary_key of the table schema',
      parse: names,
    },
    asOption,
  ],
  takes: changing,
  columns: reportColumns,
  async run(context: TableContext, { ref, files }, options) {
    const { io, global } = context
    return runOperation(context, async (api) => {
      const report = await api.load({
        ref,
        inputs: files,
        directory: io.directory,
        format: options.format ?? null,
        batchId: options.batchId ?? null,
        again: options.again ?? false,
        commitRows: options.commitRows ?? null,
        commitBytes: options.commitBytes ?? null,
        commitMs: options.commitEvery ?? null,
        rejectTo: options.rejectTo ?? null,
        as: options.as ?? null,
        how: given({ mode: options.mode, key: options.key }) as LoadMode,
        // Looked at only when somebody reads it: a terminal is not opened for files.
        input: { [Symbol.asyncIterator]: () => io.stdin[Symbol.asyncIterator]() },
        dryRun: global.dryRun,
      })
      warnOfRejects(context, report, options.rejectTo)
      sayEmpty(context, report, files[0] === '-' && options.batchId === undefined)
      return report
    })
  },
}

function warnOfRejects({ reporter }: TableContext, { items }: OperationReport, file: string | undefined): void {
  for (const { result } of items)
    if (file !== undefined && typeof result?.rejected === 'number' && result.rejected > 0)
      reporter.log('warn', `${result.rejected} rows did not fit; they are in ${file}`)
}

/** A closed pipe looks like success otherwise. What standard input brings is a batch of its own unless it is named; of others nobody knows why. */
function sayEmpty({ io, global }: TableContext, { items }: OperationReport, fresh: boolean): void {
  if (global.quiet) return
  for (const { ref, status, job } of items)
    if (status === 'unchanged' && job !== undefined)
      io.stderr.say(
        fresh
          ? `there were no rows for ${clean(ref)} in the input`
          : `no new rows for ${clean(ref)}: the input has none, or they were loaded before; --again loads them anew`,
      )
}
