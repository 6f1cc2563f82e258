/** jobs list|show|logs|wait|resume|cancel|prune, unlock, audit: what is known of work, and how to order it about. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type AuditRow, type Job, type LeaseRow, type LogLine, overlaps } from '../core/catalog.ts'
import type { OperationVerb } from '../core/driver.ts'
import { type ErrorView, fail, Stopped } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import type { Progress, Subject } from '../core/operation.ts'
import { isProjectRef, printable, refOfPath, segmentsOf } from '../core/ref.ts'
import { reapDead } from '../core/run/dead.ts'
import { runOperations } from '../core/run/runner.ts'
import { labelOperation } from './label.ts'
import { type OperationReport, operationOf, reportOf } from './operate.ts'
import { registered, subjectOf } from './select.ts'
import type { Session } from './session.ts'

export const shownStates = ['queued', 'running', 'waiting', 'interrupted', 'done', 'failed', 'cancelled'] as const
type ShownState = (typeof shownStates)[number]

export interface JobView {
  readonly id: string
  readonly run: string
  readonly verb: string
  readonly ref: string
  readonly key: string
  readonly state: ShownState
  readonly phase: string | null
  readonly waitsFor: readonly string[]
  readonly wakeAt: string | null
  readonly progress: Progress | null
  readonly plan: JsonObject
  readonly result: JsonObject | null
  readonly error: ErrorView | null
  readonly attempts: number
  readonly owner: string | null
  readonly actor: string
  readonly createdAt: string
  readonly finishedAt: string | null
}

export const shownState = (job: Job): ShownState =>
  job.state === 'open' ? (job.live ? 'running' : 'interrupted') : job.state

function viewOf(job: Job): JobView {
  const {
    id,
    run,
    verb,
    key,
    phase,
    waitsFor,
    wakeAt,
    progress,
    result,
    error,
    attempts,
    owner,
    actor,
    createdAt,
    finishedAt,
  } = job
  return {
    id,
    run,
    verb,
    ref: refOfPath(job.path, job.subject),
    key,
    state: shownState(job),
    phase,
    waitsFor,
    wakeAt,
    progress,
    plan: job.plan as unknown as JsonObject,
    result,
    error,
    attempts,
    owner,
    actor,
    createdAt,
    finishedAt,
  }
}

export interface JobsFilter {
  readonly ref?: string
  readonly verb?: string
  readonly states?: readonly ShownState[]
  readonly limit?: number
}

export async function listJobs(session: Session, filter: JobsFilter): Promise<JobView[]> {
  await reapDead(session.host())
  const { limit = Number.POSITIVE_INFINITY, states, verb } = filter
  const path = filter.ref === undefined ? undefined : (await subjectOf(session, filter.ref)).path
  const views: JobView[] = []
  for await (const job of session.catalog().jobs({ ...(verb ? { verb } : {}), ...(path ? { path } : {}) })) {
    if (views.length >= limit) break
    const view = viewOf(job)
    if (!states || states.includes(view.state)) views.push(view)
  }
  if (views.length === 0) await requireKnown(session, filter.ref)
  return views
}

/** Nothing was found for a ref: a table that is not registered is more likely a typing mistake than one that was never worked on. */
async function requireKnown(session: Session, ref: string | undefined): Promise<void> {
  if (ref !== undefined && !isProjectRef(ref)) await registered(session, ref)
}

/** The whole id for the beginning of one; at least 4 characters, and of one job only. */
export async function jobId(session: Session, text: string): Promise<string> {
  if (await session.catalog().job(text)) return text
  const found: string[] = []
  if (text.length >= 4)
    for await (const job of session.catalog().jobs()) if (job.id.startsWith(text)) found.push(job.id)
  if (found.length === 1) return found[0]!
  if (found.length > 1)
    throw fail('usage', 'ambiguous-job', `${found.length} jobs begin with ${printable(text)}`, {
      hint: `such as ${found.slice(0, 3).join(', ')}`,
    })
  throw fail('missing', 'job-not-found', `there is no job ${printable(text)}`, { hint: 'tblctl jobs list' })
}

async function findJob(session: Session, id: string): Promise<Job> {
  await reapDead(session.host())
  const job = await session.catalog().job(id)
  if (!job) throw fail('missing', 'job-not-found', `there is no job ${id}`, { hint: 'tblctl jobs list' })
  return job
}

export const showJob = async (session: Session, id: string): Promise<JobView> => viewOf(await findJob(session, id))

/** With `follow` until nobody runs the job any more, or somebody asks to stop. */
export async function* jobLog(session: Session, id: string, follow: boolean): AsyncIterable<LogLine> {
  const { stop } = session.host()
  let seen = 0
  for (;;) {
    // Asked before its lines are read: what a job writes last is not missed.
    const job = await findJob(session, id)
    let at = 0
    for await (const line of session.catalog().log(job.id)) if (at++ >= seen) yield line
    seen = at
    if (!follow || (!job.live && job.state !== 'queued')) return
    if (stop.why) throw new Stopped(stop.why)
    await sleep(200)
  }
}

/** Returns when the job is over, or waits for an order, or when nobody runs it any more. */
export async function waitForJob(session: Session, id: string): Promise<JobView> {
  const { stop } = session.host()
  for (;;) {
    const job = await findJob(session, id)
    if (!job.live && job.state !== 'queued') return viewOf(job)
    if (stop.why) throw new Stopped(stop.why)
    await sleep(200)
  }
}

export async function resumeJob(session: Session, id: string): Promise<OperationReport> {
  const job = await findJob(session, id)
  if (job.state === 'done' || job.state === 'cancelled' || (job.state === 'failed' && job.hold === 'run'))
    throw fail('refused', 'job-finished', `job ${id} is ${job.state}: there is nothing to go on with`, {
      hint: `tblctl jobs show ${id}`,
    })
  if (job.live)
    throw fail('busy', 'job-running', `job ${id} is running (${job.owner})`, {
      hint: `tblctl jobs wait ${id}`,
      retry: 'later',
    })
  return runJob(session, job)
}

/** Takes a job over and executes it with its own plan, approval and options. */
export async function runJob(session: Session, job: Job): Promise<OperationReport> {
  const subject = await subjectOfJob(session, job)
  const operation = await operationOfJob(session, job, subject)
  const items = await runOperations(session.host(), {
    work: [{ verb: job.verb, operation, options: job.options, subject }],
    force: { job: job.id },
  })
  return reportOf(session, job.verb, false, items)
}

async function subjectOfJob(session: Session, job: Job): Promise<Subject> {
  const spec = job.subject === 'table' ? ((await session.catalog().table(job.path))?.spec ?? null) : null
  return { kind: job.subject, path: job.path, spec }
}

async function operationOfJob(session: Session, job: Job, subject: Subject) {
  return job.verb === 'label' ? labelOperation : operationOf(session, job.verb as OperationVerb, subject)
}

/**
 * Orders a job about: sets the control, and waits for its answer. When nobody runs the job, this process takes it over and obeys.
 * A control that the job's phase does not allow is refused before it is sent.
 */
export async function controlJob(
  session: Session,
  id: string,
  name: string,
  approve = false,
): Promise<{ answer: JsonObject; job: JobView }> {
  const host = session.host()
  let job = await findJob(session, id)
  const operation = await operationOfJob(session, job, await subjectOfJob(session, job))
  const rule = operation.controls?.[name]
  if (!rule && name !== 'cancel')
    throw fail('unsupported', 'unknown-control', `${job.verb} knows no ${name}`, {
      hint: `it knows: ${Object.keys(operation.controls ?? { cancel: 1 }).join(', ')}`,
    })
  if (isOver(job))
    throw fail('refused', 'job-finished', `job ${id} is ${job.state}`, { hint: `tblctl jobs show ${id}` })
  const given = async () => (await session.catalog().controls(`job/${id}`)).find((control) => control.name === name)
  if (!job.live && (await given())) {
    // The order was given before, and whoever obeyed it died: finish that.
    await takeOver(session, job, name)
    return { answer: ((await given())?.answer ?? { state: job.state }) as JsonObject, job: await showJob(session, id) }
  }
  if (rule && rule.phases !== 'any' && job.phase !== null && !rule.phases.includes(job.phase))
    throw fail(
      'usage',
      'wrong-phase',
      `${name} is possible in phase ${rule.phases.join(' or ')}; job ${id} is in ${job.phase}`,
      { hint: `tblctl jobs show ${id}` },
    )
  if (approve && rule && rule.risk !== 'routine') {
    const plan = { ...job.plan, risk: rule.risk, summary: [`${name}: ${rule.help}`] }
    if (
      !(await host.approver.approve([{ verb: `${job.verb} ${name}`, subject: await subjectOfJob(session, job), plan }]))
    )
      throw fail('refused', 'declined', 'not approved; nothing was changed')
  }
  const sent = await session.catalog().setControl(`job/${id}`, name, true, host.owner)
  for (;;) {
    job = await findJob(session, id)
    const now = await given()
    const control = now?.rev === sent.rev ? now : undefined
    if (!control || control.answer !== null || isOver(job))
      return { answer: (control?.answer ?? { state: job.state }) as JsonObject, job: viewOf(job) }
    if (host.stop.why) throw new Stopped(host.stop.why)
    if (!job.live) await takeOver(session, job, name)
    else await sleep(100)
  }
}

async function takeOver(session: Session, job: Job, name: string): Promise<void> {
  // A job that never began has done nothing to take back.
  if (name === 'cancel' && job.state === 'queued') {
    await session.catalog().close(job.id, 'cancelled', null, session.host().actor)
    return
  }
  const [item] = (await runJob(session, job)).items
  const error = item?.error
  if (error && error.kind !== 'busy' && error.code !== 'stopped-cancel')
    throw fail(error.kind, error.code, error.message, {
      ...(error.hint ? { hint: error.hint } : {}),
      retry: error.retry,
    })
}

const isOver = (job: Job): boolean =>
  job.state === 'done' || job.state === 'cancelled' || (job.state === 'failed' && job.hold === 'run')

export const cancelJob = (session: Session, id: string) => controlJob(session, id, 'cancel')

export async function pruneJobs(session: Session, olderThanMs: number): Promise<{ jobs: number; audit: number }> {
  return session.catalog().prune(new Date(Date.now() - olderThanMs))
}

/** Who holds a table or a project, or a part of it, or what it is a part of; and which jobs claim it with nobody running them. */
export async function holders(
  session: Session,
  ref: string,
): Promise<{ subject: Subject; held: readonly LeaseRow[]; claims: readonly JobView[] }> {
  const subject = await subjectOf(session, ref)
  await reapDead(session.host())
  const held = (await session.catalog().leases()).filter((lease) => overlaps(lease.path, subject.path))
  const open = await session.catalog().openJobs(subject.path)
  const claims = open.filter((job) => job.hold === 'job' && !job.live && job.state !== 'queued').map(viewOf)
  if (held.length === 0 && claims.length === 0) await requireKnown(session, ref)
  return { subject, held, claims }
}
/** Frees these holders: for a process of another host that is known to be dead. Who came since then is left alone. */
export async function unlock(session: Session, held: readonly LeaseRow[]): Promise<void> {
  for (const fence of new Set(held.map((lease) => lease.fence))) await session.catalog().release(fence)
  for (const lease of held)
    await session.catalog().audit({
      run: session.host().run,
      actor: session.host().actor,
      verb: 'unlock',
      path: lease.path,
      job: lease.job,
      outcome: 'done',
      detail: { owner: lease.owner },
    })
}

export async function auditTrail(
  session: Session,
  filter: { ref?: string; limit?: number },
): Promise<(Omit<AuditRow, 'path'> & { ref: string })[]> {
  const path = filter.ref === undefined ? undefined : (await subjectOf(session, filter.ref)).path
  const rows = []
  for await (const { path: at, ...row } of session
    .catalog()
    .auditTrail({ ...(path ? { path } : {}), ...(filter.limit ? { limit: filter.limit } : {}) })) {
    const { backend } = segmentsOf(at)
    rows.push({ ...row, ref: backend === at ? at : refOfPath(at, at.split('/').length === 2 ? 'project' : 'table') })
  }
  if (rows.length === 0) await requireKnown(session, filter.ref)
  return rows
}
