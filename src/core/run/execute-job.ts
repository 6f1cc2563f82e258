/** One job from lease to report. Whatever happens, the job's row says what is true: done, waiting, failed, cancelled, or open for the next. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Busy, Job, Lease, NewJob } from '../catalog.ts'
import { type ErrorView, errorView, fail, Stopped } from '../errors.ts'
import type { Host, ReportItem } from '../host.ts'
import type { JsonObject } from '../json.ts'
import type { Plan, Risk } from '../operation.ts'
import { refOfPath, refOfSubject } from '../ref.ts'
import { reapDead } from './dead.ts'
import type { Heartbeat } from './heartbeat.ts'
import { runOnce } from './run-once.ts'
import { planOf, type RunRequest, type Work } from './work.ts'

/** A basis that moves this often is a table under heavy change: say so instead of planning for ever. */
const maximumReplans = 3

export async function executeJob(
  host: Host,
  heartbeat: Heartbeat,
  request: RunRequest,
  planned: Work,
  firstPlan: Plan,
  found: Job | null,
): Promise<ReportItem> {
  const ref = refOfSubject(planned.subject)
  let work = planned
  let plan = firstPlan
  let old = found
  for (let replans = 0; ; ) {
    const id = old?.id ?? host.newId()
    let job = old?.id // nobody is told of a job that never came to be
    const failed = (error: ErrorView): ReportItem => ({ ref, status: 'failed', ...(job ? { job } : {}), plan, error })
    try {
      if (host.stop.why) throw new Stopped(host.stop.why)
      const restart = old !== null && old === found && work.operation.resume === 'replan' && !request.force
      const lease = await begin(host, request, newJob(host, request, work, plan, old, id, restart))
      let stale = 'another process finished the job'
      work = await asRegistered(host, work)
      if (lease.is === 'busy') {
        if (lease.why !== 'done-since') return { ref, status: 'failed', plan, error: busyError(lease, ref) }
        if (request.ifLast || !found) return { ref, status: 'unchanged', plan }
      } else {
        job = id
        const end = await runOnce(host, heartbeat, request, work, plan, id, lease, old)
        if (end.is === 'item') return { ref, plan, job: id, ...end.item }
        if (end.is === 'again') {
          old = (await host.catalog.job(id)) ?? null
          continue
        }
        stale = end.why
      }
      if (request.saved || replans++ === maximumReplans) return failed(staleError(ref, stale))
      const again = await planOf(host, work)
      if (again.changes === 0) return { ref, status: 'unchanged', plan: again }
      if (!(await approvedAgain(host, work, plan, again))) return { ref, status: 'skipped', plan: again }
      plan = again
      old = null
    } catch (error) {
      return failed(errorView(error))
    }
  }
}

function staleError(ref: string, why: string): ErrorView {
  return {
    code: 'plan-stale',
    kind: 'refused',
    message: `the plan for ${ref} is out of date: ${why}`,
    hint: 'plan again',
    retry: 'later',
  }
}

/** The subject as the catalog has it now: it was planned, and perhaps approved at leisure, before the lease was ours. */
async function asRegistered(host: Host, work: Work): Promise<Work> {
  if (work.subject.kind !== 'table') return work
  const row = await host.catalog.table(work.subject.path)
  return { ...work, subject: { ...work.subject, spec: row?.spec ?? null } }
}

function newJob(
  host: Host,
  request: RunRequest,
  work: Work,
  plan: Plan,
  old: Job | null,
  id: string,
  restart: boolean,
): NewJob {
  const { verb, operation, options, subject } = work
  return {
    id,
    run: host.run,
    verb,
    subject: subject.kind,
    path: subject.path,
    key: old?.key ?? operation.key(options),
    version: operation.version,
    hold: operation.hold,
    options: (request.force && old ? old.options : options) as JsonObject,
    plan,
    actor: host.actor,
    restart,
  }
}

/** Tries once, frees what dead processes hold, then waits as long as `--lock-timeout` allows. */
async function begin(host: Host, request: RunRequest, job: NewJob): Promise<Lease | Busy> {
  const deadline = Date.now() + host.lockTimeoutMs
  const attempt = () => host.catalog.begin(job, host.owner, host.leaseMs, request.ifLast?.get(job.path))
  let lease = await attempt()
  if (lease.is === 'busy' && lease.why === 'lease') {
    await reapDead(host) // or another subject of this run has freed it meanwhile
    lease = await attempt()
  }
  while (lease.is === 'busy' && lease.why !== 'done-since' && Date.now() < deadline && !host.stop.why) {
    await sleep(Math.min(200, Math.max(1, deadline - Date.now())))
    await reapDead(host)
    lease = await attempt()
  }
  if (lease.is === 'busy' && deadline > Date.now() && host.stop.why) throw new Stopped(host.stop.why)
  return lease
}

const rank = (risk: Risk): number => ['routine', 'moderate', 'severe'].indexOf(risk)

/** What was approved covers a new plan of no greater risk; what is gone for good is asked about as it is now. */
async function approvedAgain(host: Host, work: Work, before: Plan, now: Plan): Promise<boolean> {
  return (
    (now.risk !== 'severe' && rank(now.risk) <= rank(before.risk)) ||
    host.approver.approve([{ verb: work.verb, subject: work.subject, plan: now }])
  )
}

function busyError(busy: Busy, ref: string): ErrorView {
  const where = refOfPath(busy.path)
  return fail(
    'busy',
    busy.why === 'claim' ? 'claimed' : 'busy',
    `${ref} is busy: ${busy.verb} ${busy.owner ? `by ${busy.owner} ` : ''}(job ${busy.job}) holds ${where}`,
    {
      hint:
        busy.why === 'claim'
          ? `tblctl jobs show ${busy.job}`
          : `wait with --lock-timeout 5m, or look: tblctl jobs show ${busy.job}`,
      retry: 'later',
    },
  ).view
}
