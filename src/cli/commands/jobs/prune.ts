/** `tblctl jobs prune`: forgets what ended long ago. */
import type { Tblctl } from '../../../api/open.ts'
import { fail } from '../../../core/errors.ts'
import { parseDuration } from '../../../core/units.ts'
import type { CommandContext, CommandModule } from '../../command.ts'

export const prune: CommandModule<object, { olderThan?: number }> = {
  name: 'prune',
  summary: 'Forget finished jobs and audit rows that are old',
  description: 'Jobs that are open, waiting or queued stay, however old they are.',
  examples: [{ command: 'tblctl jobs prune --older-than 30d', does: 'what ended more than 30 days ago' }],
  options: [{ flags: '--older-than <duration>', description: 'what ended longer ago than this', parse: parseDuration }],
  takes: ['config', 'output', 'approval'],
  async run({ api, print }: CommandContext<Tblctl>, _args, { olderThan }) {
    if (olderThan === undefined)
      throw fail('usage', 'missing-flag', 'jobs prune needs --older-than', { hint: 'such as --older-than 30d' })
    const { jobs, audit } = await (await api()).jobs.prune(olderThan)
    await print({
      is: 'object',
      kind: 'Pruned',
      object: { jobs, auditRows: audit },
      name: String(jobs),
      sections: [
        {
          lines: [
            { label: 'jobs', value: jobs },
            { label: 'audit rows', value: audit },
          ],
        },
      ],
    })
  },
}
