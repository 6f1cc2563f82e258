/** THE RUNNER: resume or plan → approve once for all → per subject: lease → execute → report. One path for every verb of every driver. */
import type { ErrorView } from '../errors.ts'
import type { Host, PlannedItem, ReportItem } from '../host.ts'
import { refOfSubject } from '../ref.ts'
import { executeJob } from './execute-job.ts'
import { Heartbeat } from './heartbeat.ts'
import { mapBounded } from './pool.ts'
import { type Todo, triage } from './triage.ts'
import type { RunRequest } from './work.ts'

/** One item per piece of work, in its order. One failure never stops or hides another. */
export async function runOperations(host: Host, request: RunRequest): Promise<ReportItem[]> {
  const todos = await mapBounded(request.work, host.parallelism, (work) => triage(host, request, work))
  if (request.dryRun) return todos.map((todo) => (todo.is === 'item' ? todo.item : dryItem(todo)))

  const fresh = todos.flatMap((todo) =>
    todo.is === 'work' && todo.job === null && !request.saved ? [planned(todo)] : [],
  )
  const approved = fresh.length === 0 || (await host.approver.approve(fresh))

  const heartbeat = new Heartbeat(host)
  return mapBounded(todos, host.parallelism, async (todo): Promise<ReportItem> => {
    if (todo.is === 'item') return todo.item
    const ref = refOfSubject(todo.work.subject)
    if (!approved && todo.job === null) return { ref, status: 'skipped', plan: todo.plan, error: declined }
    try {
      return await executeJob(host, heartbeat, request, todo.work, todo.plan, todo.job)
    } finally {
      host.reporter.finished(ref)
    }
  })
}

type Doable = Extract<Todo, { is: 'work' }>
const planned = ({ work, plan }: Doable): PlannedItem => ({ verb: work.verb, subject: work.subject, plan })
const dryItem = ({ work, plan, job }: Doable): ReportItem => ({
  ref: refOfSubject(work.subject),
  status: 'skipped',
  plan,
  ...(job ? { job: job.id } : {}),
})

const declined: ErrorView = {
  code: 'declined',
  kind: 'refused',
  message: 'not approved; nothing was changed',
  retry: 'no',
}
