/** `tblctl sync run`: every chosen sync up to what its source holds now. */
import type { CommandModule } from '../../command.ts'
import { reportColumns } from '../../output/report.ts'
import { runOperation } from '../../tables/operation.ts'
import { changing, type TableContext } from '../../tables/traits.ts'

export const run: CommandModule<{ ids: readonly string[] }, { target?: string }> = {
  name: 'run',
  summary: 'Bring the targets up to what the sources hold now',
  description:
    'Rows and checkpoint are written together, so stopped or killed, the same command goes on where it was. Several syncs run at once, and one that fails leaves the others alone. A source that is as it was is not read; a paused sync is passed over.',
  examples: [
    { command: 'tblctl sync run', does: 'all syncs' },
    { command: 'tblctl sync run orders users --parallelism 2', does: 'two of them' },
    {
      command: 'tblctl sync run --config config.yaml --target http://localhost:9925 -y',
      does: 'a Harper configuration, into that Harper',
    },
    { command: 'tblctl sync run --target file:./lake', does: 'into Delta tables in that folder instead' },
  ],
  arguments: [{ name: '[ids...]', description: 'syncs of the config; all when none is named' }],
  options: [
    {
      flags: '--target <backend>',
      description: 'backend of the target tables instead of their own, or a URL: http:, file:, s3:, sqlite:, postgres:',
      completes: 'backend',
    },
  ],
  takes: changing,
  columns: reportColumns,
  run: (context: TableContext, { ids }, { target }) =>
    runOperation(context, (api) => api.syncs.run({ ids, target: target ?? null, dryRun: context.global.dryRun })),
}
