/** `tblctl context list`: every context of the config, the one that counts marked. */
import { type Contexts, listContexts } from '../../../api/config.ts'
import type { CommandContext, CommandModule } from '../../command.ts'
import { clean } from '../../output/text.ts'
import type { Column } from '../../output/view.ts'
import { configRequest } from './request.ts'

type Item = Contexts['items'][number]
const yesNo = (value: boolean): string => (value ? 'yes' : 'no')

const columns: readonly Column<Item>[] = [
  { name: 'name', value: (item) => item.name },
  { name: 'current', value: (item) => item.current, format: (current: boolean) => (current ? '*' : '') },
  { name: 'protect', value: (item) => item.protect, format: yesNo },
]

export const list: CommandModule = {
  name: 'list',
  summary: 'List the contexts of the config, and mark the one that counts',
  examples: [
    { command: 'tblctl context list', does: 'with where the current one comes from' },
    { command: 'tblctl context list -o json', does: 'for scripts: .items[].current, .origin' },
  ],
  takes: ['config', 'output'],
  columns,
  async run(context: CommandContext) {
    const { io, global } = context
    const { items, origin, file, problem } = await listContexts(configRequest(context))
    const none = `${clean(file)} has no contexts`
    await context.print({ is: 'list', kind: 'ContextList', columns, items, before: { origin }, none })
    if (problem !== null) context.reporter.log('warn', `${problem.message} (at ${problem.where})`)
    else if (!global.quiet && items.length > 0) {
      const current = items.find((item) => item.current)
      io.stderr.say(current === undefined ? 'no context counts' : `${current.name} counts, from ${clean(origin)}`)
    }
  },
}
