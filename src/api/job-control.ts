/** jobs resume|cancel, and every other order to a job: by its control, or by taking the job over. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from '../core/catalog.ts'
import type { OperationVerb } from '../core/driver.ts'
import { fail, Stopped } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import type { Subject } from '../core/operation.ts'
import { runOperations } from '../core/run/runner.ts'
import { findJob, type JobView, showJob, viewOf } from './jobs.ts'
import { labelOperation } from './label.ts'
import { type OperationReport, operationOf, reportOf } from './operate.ts'
import type { Session } from './session.ts'
import { syncOperation } from './sync.ts'

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
  if (job.subject === 'sync') return syncOperation(session)
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
