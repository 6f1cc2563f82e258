/** `tblctl vacuum`: what nobody needs any more goes for good. */
import { fail } from '../../core/errors.ts'
import { parseDuration } from '../../core/units.ts'
import type { CommandModule } from '../command.ts'
import { reportColumns } from '../output/report.ts'
import { given } from '../tables/given.ts'
import { runOperation } from '../tables/operation.ts'
import { selectionOf } from '../tables/selection.ts'
import { changingChosen, type TableContext } from '../tables/traits.ts'

interface Options {
  readonly retain?: number
  readonly mode?: 'full' | 'lite'
  readonly belowFloor?: boolean
  readonly expired?: boolean
  readonly byRows?: boolean
  readonly trash?: boolean
}

export const command: CommandModule<{ refs: readonly string[] }, Options> = {
  name: 'vacuum',
  summary: 'Remove what is older than the retention',
  description:
    "Of Delta tables: files that no version inside the retention names, and with --expired rows that are older than the table keeps them. Of ClickHouse tables: whole partitions, and only those without a row inside the retention. With --trash, the tables that were dropped more than a week ago.\n\nFiles are kept as long as the table's delta.deletedFileRetentionDuration says (168 h): readers and writers that began before still need them. --retain longer keeps more; shorter needs --below-floor and the table's name.",
  examples: [
    { command: 'tblctl vacuum lake:acme/metrics --dry-run', does: 'how many files would go, with their bytes' },
    {
      command: 'tblctl vacuum --backend lake --mode lite -y',
      does: 'from cron: by the logs alone, without listing folders',
    },
    {
      command: 'tblctl vacuum lake:acme/metrics --expired --confirm metrics',
      does: 'rows older than the retention go, too',
    },
    { command: 'tblctl vacuum ch:acme/ --dry-run', does: 'which partitions would go, with rows and bytes' },
    { command: 'tblctl vacuum --backend lake --trash -y', does: 'dropped tables whose time is over' },
  ],
  arguments: [{ name: '[refs...]', description: 'tables, projects (ch:acme/) or globs', completes: 'table' }],
  options: [
    { flags: '--retain <duration>', description: 'keep files that a version in this time names', parse: parseDuration },
    {
      flags: '--mode <mode>',
      description: 'full lists the folder and finds orphans; lite reads the log alone (full)',
      choices: ['full', 'lite'],
    },
    { flags: '--below-floor', description: "let --retain be shorter than the table's own retention of files" },
    { flags: '--expired', description: 'remove rows older than the retention of rows: whole partitions' },
    { flags: '--by-rows', description: 'with --expired: rows inside of partitions as well, which writes files anew' },
    { flags: '--trash', description: 'empty the trash of --backend of tables whose time is over' },
  ],
  takes: changingChosen,
  columns: reportColumns,
  run: (context: TableContext, { refs }, { trash = false, retain, ...options }) => {
    const { global } = context
    if (!trash) {
      const said = given({ ...options, retainMs: retain })
      return runOperation(context, (api) => api.operate('vacuum', selectionOf(global, refs), said, global.dryRun))
    }
    const { backend } = global
    if (backend === null || refs.length > 0 || global.project !== null || global.labels.length > 0 || global.all)
      throw fail('usage', 'trash-of-backend', 'the trash is of a whole backend: --trash takes --backend NAME alone', {
        hint: 'tblctl vacuum --trash --backend NAME',
      })
    return runOperation(context, (api) => api.emptyTrash(backend, global.dryRun))
  },
}
