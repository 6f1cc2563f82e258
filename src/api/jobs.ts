/** jobs list|show|logs|wait|prune: what is known of work. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Job, LogLine } from '../core/catalog.ts'
import { type ErrorView, fail, Stopped } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import type { Progress } from '../core/operation.ts'
import { isProjectRef, printable, refOfPath } from '../core/ref.ts'
import { reapDead } from '../core/run/dead.ts'
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

export function viewOf(job: Job): JobView {
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
export async function requireKnown(session: Session, ref: string | undefined): Promise<void> {
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

export async function findJob(session: Session, id: string): Promise<Job> {
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

/** What `prune` would forget: the same choice as the catalog's. */
export async function prunable(
  session: Session,
  before: Date,
  what: { readonly audit: boolean },
): Promise<{ jobs: number; audit: number }> {
  let [jobs, audit] = [0, 0]
  for await (const { state, hold, finishedAt } of session.catalog().jobs({ states: ['done', 'cancelled', 'failed'] }))
    if (finishedAt !== null && new Date(finishedAt) < before && (state !== 'failed' || hold === 'run')) jobs++
  if (what.audit) for await (const { at } of session.catalog().auditTrail()) if (new Date(at) < before) audit++
  return { jobs, audit }
}
