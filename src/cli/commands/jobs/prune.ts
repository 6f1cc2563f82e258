/** `tblctl jobs prune`: forgets what ended long ago. */
import type { Tblctl } from '../../../api/open.ts'
import { fail } from '../../../core/errors.ts'
import { parseDuration } from '../../../core/units.ts'
import type { CommandContext, CommandModule } from '../../command.ts'

export const prune: CommandModule<object, { olderThan?: number; audit?: boolean }> = {
  name: 'prune',
  summary: 'Forget finished jobs that are old',
  description:
    'Asks before. Jobs that are open, waiting or queued stay, however old they are, and so does the audit trail without --audit.',
  examples: [
    { command: 'tblctl jobs prune --older-than 30d --dry-run', does: 'how many ended more than 30 days ago' },
    { command: 'tblctl jobs prune --older-than 30d -y', does: 'forget them, without a question' },
  ],
  options: [
    { flags: '--older-than <duration>', description: 'what ended longer ago than this', parse: parseDuration },
    { flags: '--audit', description: 'the audit rows of that age, too' },
  ],
  takes: ['config', 'output', 'approval', 'dry-run'],
  prints: 'object',
  async run(
    { api, print, approver, io, global }: CommandContext<Tblctl>,
    _args,
    { olderThan, audit: withAudit = false },
  ) {
    if (olderThan === undefined)
      throw fail('usage', 'missing-flag', 'jobs prune needs --older-than', { hint: 'such as --older-than 30d' })
    const tblctl = await api()
    const before = new Date(io.now().getTime() - olderThan)
    let count = await tblctl.jobs.prunable(before, { audit: withAudit })
    if (count.jobs + count.audit > 0 && !global.dryRun) {
      const rows = withAudit ? ` and ${count.audit} audit rows` : ''
      const summary = [`forget for good: ${count.jobs} finished jobs${rows}`]
      const plan = { changes: count.jobs + count.audit, risk: 'moderate' as const, summary, basis: {}, leases: [] }
      const subject = { kind: 'backend' as const, path: 'catalog', spec: null }
      if (!(await approver.approve([{ verb: 'jobs prune', subject, plan }])))
        throw fail('refused', 'declined', 'not approved; nothing was changed')
      count = await tblctl.jobs.prune(before, { audit: withAudit })
    }
    const { jobs, audit } = count
    await print({
      is: 'object',
      kind: 'Pruned',
      object: { jobs, auditRows: audit, dryRun: global.dryRun },
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
    if (global.dryRun && !global.quiet) io.stderr.say('this was a dry run: nothing was changed')
  },
}
