/** The newest reshard of a table: showing it, and ordering it about from any process. */
import type { Tblctl } from '../../api/open.ts'
import { fail } from '../../core/errors.ts'
import type { ReportItem } from '../../core/host.ts'
import type { Plan } from '../../core/operation.ts'
import { printable } from '../../core/ref.ts'
import type { ObjectView, Section } from '../output/view.ts'
import { factSections } from './facts.ts'
import { printReport } from './operation.ts'
import type { TableContext } from './traits.ts'

type JobView = Awaited<ReturnType<Tblctl['jobs']['show']>>

const over: readonly JobView['state'][] = ['done', 'cancelled']

/** Prints the newest reshard, over or not. */
export async function reshardStatus(context: TableContext, ref: string): Promise<void> {
  const job = (await reshardsOf(context, ref))[0]!
  await context.print(jobView(job))
}

/** Gives the order to the newest reshard that is not over, and waits until it is obeyed. Returns the exit code. */
export async function orderReshard(context: TableContext, ref: string, order: string): Promise<number> {
  const { io, global } = context
  const startedAt = io.now().getTime()
  const api = await context.api()
  const open = (await reshardsOf(context, ref)).find((job) => !over.includes(job.state))
  if (open === undefined)
    throw fail('missing', 'no-open-reshard', `no reshard of ${printable(ref)} is under way`, {
      hint: `tblctl reshard status ${printable(ref)}`,
    })
  const item = global.dryRun ? plannedOrder(open, order) : obeyed(await api.jobs.control(open.id, order))
  const report = { kind: 'OperationReport', verb: `reshard ${order}`, dryRun: global.dryRun, run: context.run } as const
  const summary = { changed: 0, unchanged: 0, failed: 0, skipped: 0, [item.status]: 1 }
  return printReport(context, { ...report, items: [item], summary }, io.now().getTime() - startedAt)
}

function plannedOrder({ ref, id, key, phase, plan }: JobView, order: string): ReportItem {
  const summary = [`order job ${id} (${key}, phase ${phase ?? 'none yet'}) to ${order}`]
  return { ref, status: 'skipped', job: id, plan: { ...(plan as unknown as Plan), summary } }
}

function obeyed({ answer, job }: Awaited<ReturnType<Tblctl['jobs']['control']>>): ReportItem {
  const { ref, id, state, error, waitsFor, wakeAt } = job
  if (state === 'failed' && error !== null) return { ref, status: 'failed', job: id, error }
  const waiting = state === 'waiting' ? { waitsFor, ...(wakeAt === null ? {} : { wakeAt }) } : {}
  return { ref, status: 'changed', job: id, result: answer, ...waiting }
}

/** Newest first, at least one. */
async function reshardsOf(context: TableContext, ref: string): Promise<readonly JobView[]> {
  const api = await context.api()
  const jobs = await api.jobs.list({ ref, verb: 'reshard' })
  if (jobs.length > 0) return jobs
  // Of a table that nobody knows this says so, and which was meant.
  await api.select({ refs: [ref] })
  throw fail('missing', 'no-reshard', `${printable(ref)} was never resharded`, {
    hint: `tblctl reshard ${printable(ref)} --shards N`,
  })
}

function jobView(job: JobView): ObjectView {
  const { done, total, unit } = job.progress ?? { done: null, total: null, unit: '' }
  const lines = [
    { label: 'Table', value: job.ref },
    { label: 'Job', value: job.id },
    { label: 'State', value: job.state },
    { label: 'Phase', value: job.phase },
    { label: 'Target', value: job.key },
    { label: 'Copied', value: done, text: total === null ? `${done} ${unit}` : `${done}/${total} ${unit}` },
    { label: 'Waits for', value: job.waitsFor.length > 0 ? job.waitsFor.join(' or ') : null },
    { label: 'Wakes at', value: job.wakeAt },
    { label: 'Attempts', value: job.attempts },
    { label: 'Run by', value: job.owner },
    { label: 'Begun', value: job.createdAt },
    { label: 'Ended', value: job.finishedAt },
    ...(job.error === null ? [] : [{ label: 'Error', value: job.error.message }]),
  ]
  const sections: Section[] = [{ lines }, ...factSections('Result', job.result ?? {})]
  return { is: 'object', kind: 'Job', object: job, name: job.id, sections }
}
