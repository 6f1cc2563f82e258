/** `tblctl unlock REF`: frees a table whose holder is known to be dead, on another host, where nobody here can see it. */
import type { JobView } from '../../api/jobs.ts'
import type { Tblctl } from '../../api/open.ts'
import { errorView, fail } from '../../core/errors.ts'
import { refOfPath } from '../../core/ref.ts'
import type { CommandContext, CommandModule } from '../command.ts'
import { clean } from '../output/text.ts'
import type { Column } from '../output/view.ts'

interface Holder {
  readonly ref: string
  readonly mode: string
  readonly owner: string
  readonly verb: string
  readonly job: string
  /** When the job was made; null when it was pruned. */
  readonly since: string | null
  /** The lease ends by itself then, unless it is renewed. */
  readonly until: string
  readonly freed: boolean
}

const columns: readonly Column<Holder>[] = [
  { name: 'ref', value: (holder) => holder.ref },
  { name: 'verb', value: (holder) => holder.verb },
  { name: 'job', value: (holder) => holder.job },
  { name: 'owner', value: (holder) => holder.owner },
  { name: 'since', value: (holder) => holder.since },
  { name: 'until', value: (holder) => holder.until },
  { name: 'mode', wide: true, value: (holder) => holder.mode },
  { name: 'freed', value: (holder) => holder.freed, format: (freed: boolean) => (freed ? 'yes' : 'no') },
]

export const command: CommandModule<{ ref: string }> = {
  name: 'unlock',
  summary: 'Free a table that a dead process of another host still holds',
  description:
    'A dead process of this host is found out by itself, one of another host when its lease ends (30 s). A process that lives after all stops at its next safe point.',
  examples: [
    { command: 'tblctl unlock lake:acme/metrics --dry-run', does: 'who holds it' },
    { command: 'tblctl unlock lake:acme/metrics', does: 'says who holds it, asks, and frees it' },
    { command: 'tblctl unlock lake:acme/ -y', does: 'a project, without a question' },
  ],
  arguments: [{ name: '<ref>', description: 'a table, or a project (acme/)', completes: 'table' }],
  takes: ['config', 'output', 'approval', 'dry-run', 'timeout'],
  columns,
  async run(context: CommandContext<Tblctl>, { ref }) {
    const { io, global } = context
    const tblctl = await context.api()
    const { subject, held, claims } = await tblctl.holders(ref)
    const holders: Holder[] = []
    for (const { path, mode, owner, verb, job, expiresAt } of held) {
      const since = await startOf(tblctl, job)
      holders.push({ ref: refOf(path), mode, owner, verb, job, since, until: expiresAt, freed: !global.dryRun })
    }
    if (held.length > 0 && !global.dryRun) {
      const summary = holders.map((holder) => {
        const since = holder.since === null ? '' : ` since ${holder.since}`
        return `${holder.ref}: ${holder.verb} (job ${holder.job}) by ${holder.owner}${since}, until ${holder.until}`
      })
      const plan = { changes: held.length, risk: 'moderate' as const, summary, basis: {}, leases: [] }
      if (!(await context.approver.approve([{ verb: 'unlock', subject, plan }])))
        throw fail('refused', 'declined', 'not approved; nothing was changed')
      await tblctl.unlock(held)
    }
    const none = `nobody holds ${clean(ref)}`
    await context.print({ is: 'list', kind: 'HolderList', columns, items: holders, none })
    if (!global.quiet) for (const job of claims) io.stderr.say(claimText(job))
  },
}

async function startOf(tblctl: Tblctl, job: string): Promise<string | null> {
  try {
    return (await tblctl.jobs.show(job)).createdAt
  } catch (thrown) {
    if (errorView(thrown).kind === 'missing') return null
    throw thrown
  }
}

const refOf = (path: string): string => refOfPath(path, path.split('/').length === 2 ? 'project' : 'table')

/** A claim is no lease: only the end of the job ends it. */
function claimText({ id, verb, ref, state, waitsFor }: JobView): string {
  const waits = waitsFor.length > 0 ? `; it waits for ${waitsFor.map(clean).join(' or ')}` : ''
  const next = state === 'waiting' ? `tblctl jobs show ${id}` : `tblctl jobs resume ${id}, or tblctl jobs cancel ${id}`
  return `job ${id} (${clean(verb)}, ${state}) claims ${clean(ref)} until it is over${waits}\n  try: ${next}`
}
