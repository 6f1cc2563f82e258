/** `tblctl sync status`: how far each sync is, from the catalog alone. */
import type { Tblctl } from '../../../api/open.ts'
import type { SyncStatus } from '../../../api/sync.ts'
import { formatDuration } from '../../../core/units.ts'
import type { CommandContext, CommandModule } from '../../command.ts'
import type { Column, Paint } from '../../output/view.ts'

const paints: Readonly<Record<SyncStatus['state'], Paint | undefined>> = {
  'never run': undefined,
  running: (text, colors) => colors.cyan(text),
  idle: (text, colors) => colors.green(text),
  paused: (text, colors) => colors.yellow(text),
  interrupted: (text, colors) => colors.yellow(text),
  failed: (text, colors) => colors.red(text),
}

const columns: readonly Column<SyncStatus>[] = [
  { name: 'id', value: (sync) => sync.id },
  { name: 'state', value: (sync) => sync.state, paint: (state: SyncStatus['state']) => paints[state] },
  { name: 'phase', value: (sync) => sync.phase },
  {
    name: 'lag',
    align: 'right',
    value: (sync) => sync.lagSeconds,
    format: (seconds: number) => formatDuration(seconds * 1000),
  },
  { name: 'last', value: (sync) => sync.lastTimestamp },
  { name: 'records', align: 'right', value: (sync) => sync.recordsIngested },
  { name: 'error', value: (sync) => sync.lastError },
  { name: 'source', wide: true, value: (sync) => sync.source },
  { name: 'target', wide: true, value: (sync) => sync.target },
  { name: 'waits', wide: true, value: (sync) => sync.nextTimestamp },
  { name: 'batch', wide: true, align: 'right', value: (sync) => sync.batchSize },
]

export const status: CommandModule<{ ids: readonly string[] }> = {
  name: 'status',
  summary: 'Show how far each sync is',
  description:
    'Reads the catalog only, and no backend: what was known when the sync last wrote. A sync that never ran here has no facts.',
  examples: [
    { command: 'tblctl sync status', does: 'every sync' },
    { command: 'tblctl sync status orders -o json', does: 'for scripts: .items[0].lagSeconds' },
    { command: 'tblctl sync status --watch', does: 'again and again' },
  ],
  arguments: [{ name: '[ids...]', description: 'syncs of the config; all when none is named' }],
  takes: ['config', 'output', 'timeout', 'watch'],
  columns,
  async run({ api, print }: CommandContext<Tblctl>, { ids }) {
    await print({ is: 'list', kind: 'SyncStatusList', columns, items: await (await api()).syncs.status(ids) })
  },
}
