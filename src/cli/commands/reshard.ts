/** `tblctl reshard`: another number of shards, online, and the orders that a reshard obeys on its way. */
import { fail } from '../../core/errors.ts'
import type { CommandModule } from '../command.ts'
import { positiveInteger } from '../flags/values.ts'
import { reportColumns } from '../output/report.ts'
import { runOperation } from '../tables/operation.ts'
import { orderReshard, reshardStatus } from '../tables/reshard-job.ts'
import { changing, type TableContext } from '../tables/traits.ts'

interface Options {
  readonly shards?: number
  readonly waitForSwitch?: boolean
}
type RefArgument = { readonly ref: string }

const tableArgument = { name: '<ref>', description: 'the table', completes: 'table' } as const

function order(name: string, summary: string, does: string): CommandModule<RefArgument> {
  return {
    name,
    summary,
    examples: [{ command: `tblctl reshard ${name} shop:default/users`, does }],
    arguments: [tableArgument],
    takes: changing,
    columns: reportColumns,
    run: (context: TableContext, { ref }) => orderReshard(context, ref, name),
  }
}

export const command: CommandModule<RefArgument, Options> = {
  name: 'reshard',
  summary: 'Change the number of shards of a table',
  description:
    'Rows are copied while the table is used; then traffic is switched over. The old shards stay until complete drops them, and reverse goes back to them. Any process may give the orders; stopped, the same command goes on.',
  examples: [
    { command: 'tblctl reshard shop:default/users --shards 8', does: 'copy, switch, and wait for reverse or complete' },
    { command: 'tblctl reshard shop:default/users --shards 8 --wait-for-switch', does: 'copy, and wait for the order' },
    { command: 'tblctl reshard switch shop:default/users', does: 'give that order, from anywhere' },
    { command: 'tblctl reshard status shop:default/users --watch', does: 'how far it is' },
  ],
  arguments: [tableArgument],
  options: [
    { flags: '--shards <n>', description: 'how many shards the table shall have', parse: positiveInteger(1_000_000) },
    { flags: '--wait-for-switch', description: 'copy and keep up, and switch only when told to' },
  ],
  takes: changing,
  columns: reportColumns,
  children: [
    {
      name: 'status',
      summary: 'Show the newest reshard of a table',
      examples: [{ command: 'tblctl reshard status shop:default/users', does: 'phase, progress, what it waits for' }],
      arguments: [tableArgument],
      takes: ['config', 'output', 'timeout', 'watch'],
      prints: 'object',
      run: (context: TableContext, { ref }: RefArgument) => reshardStatus(context, ref),
    },
    order('switch', 'Cut over to the new shards', 'when the copy is ready'),
    order('reverse', 'Go back to the old shards', 'after the switch, before complete'),
    order('complete', 'Drop the old shards; there is no way back', 'when all is well'),
    order('cancel', 'Take a reshard back before its switch', 'nothing of it stays'),
  ],
  run: (context: TableContext, { ref }, { shards, waitForSwitch = false }) => {
    if (shards === undefined)
      throw fail('usage', 'missing-shards', 'reshard needs --shards N', { hint: 'tblctl reshard --help' })
    return runOperation(context, (api) =>
      api.operate('reshard', { refs: [ref] }, { shards, waitForSwitch }, context.global.dryRun),
    )
  },
}
