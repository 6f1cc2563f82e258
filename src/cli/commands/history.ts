/** `tblctl history`: what was done to a table, newest first. */
import type { Tblctl } from '../../api/open.ts'
import type { HistoryEntry } from '../../core/driver.ts'
import type { CommandContext, CommandModule } from '../command.ts'
import { positiveInteger } from '../flags/values.ts'
import type { Column } from '../output/view.ts'

const columns: readonly Column<HistoryEntry>[] = [
  { name: 'version', align: 'right', value: (entry) => entry.version },
  // To the millisecond: cut to the second it would name the version before.
  { name: 'timestamp', value: (entry) => entry.timestamp },
  { name: 'operation', value: (entry) => entry.operation },
  { name: 'metrics', value: (entry) => entry.metrics, format: (metrics: object) => pairs(metrics) },
  { name: 'engine', value: (entry) => entry.engine },
  { name: 'parameters', wide: true, value: (entry) => entry.parameters, format: (given: object) => pairs(given) },
  { name: 'run', wide: true, value: (entry) => entry.run },
  { name: 'job', wide: true, value: (entry) => entry.job },
]

const pairs = (given: object): string =>
  Object.entries(given)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')

export const command: CommandModule<{ ref: string }, { limit?: number }> = {
  name: 'history',
  summary: 'Show what was done to a table, newest first',
  description: 'Read from the table itself: changes that other programs made stand beside those of tblctl.',
  examples: [
    { command: 'tblctl history lake:acme/metrics --limit 10', does: 'the newest ten versions' },
    {
      command: 'tblctl history lake:acme/metrics -o json',
      does: 'for scripts: .items[].version, .operation, .metrics',
    },
  ],
  arguments: [{ name: '<ref>', description: 'the table', completes: 'table' }],
  options: [{ flags: '--limit <n>', description: 'at most this many (all)', parse: positiveInteger(1_000_000_000) }],
  takes: ['config', 'output', 'timeout'],
  columns,
  async run({ api, print }: CommandContext<Tblctl>, { ref }, { limit }) {
    await print({
      is: 'list',
      kind: 'HistoryList',
      before: { ref },
      columns,
      items: (await api()).history(ref, limit ?? null),
      none: 'no history is left',
    })
  },
}
