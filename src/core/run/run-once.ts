/** One execution of a job that holds its leases: outcome or exception in, the job's row and an item of the report out. */
import type { Finish, Job, Lease } from '../catalog.ts'
import { type ErrorView, errorView, Fenced, Stopped } from '../errors.ts'
import type { Host, ReportItem } from '../host.ts'
import { canonicalJson, type JsonObject } from '../json.ts'
import type { Outcome, Plan } from '../operation.ts'
import { Execution } from './execution.ts'
import type { Heartbeat } from './heartbeat.ts'
import type { RunRequest, Work } from './work.ts'

/** How one execution ended: told in full, to be planned again, or to be executed again. */
export type End =
  | { readonly is: 'item'; readonly item: Omit<ReportItem, 'ref'> }
  | { readonly is: 'stale'; readonly why: string }
  | { readonly is: 'again' }

export async function runOnce(
  host: Host,
  heartbeat: Heartbeat,
  request: RunRequest,
  work: Work,
  plan: Plan,
  id: string,
  lease: Lease,
  found: Job | null,
): Promise<End> {
  const { operation, subject } = work
  const job = (await host.catalog.job(id))!
  const context = new Execution(host, heartbeat, {
    operation,
    subject,
    job,
    lease,
    options: request.force ? job.options : work.options,
    namespace: subject.path.split('/')[0]!,
    ...(request.input ? { input: request.input } : {}),
  })
  const takenOver: End = { is: 'item', item: { status: 'failed', error: errorView(new Fenced(id)) } }
  try {
    context.log('debug', `${job.attempts > 1 ? 'resume' : 'begin'} ${job.verb} ${job.key}`, {
      attempt: job.attempts,
      fence: lease.fence,
      phase: job.phase,
    })
    await context.poll()
    let outcome: Outcome<object>
    try {
      context.throwIfCancelled()
      outcome = await operation.execute(plan, context)
      while (outcome.is === 'waiting' && (await context.pending())) outcome = await operation.execute(plan, context)
    } catch (error) {
      return await failedEnd(host, work, plan, context, error, takenOver)
    }
    if (outcome.is === 'stale') {
      await context.finish(
        finish('cancelled', { error: { code: 'plan-stale', kind: 'refused', message: outcome.why, retry: 'later' } }),
      )
      return outcome
    }
    if (outcome.is === 'conflict') {
      const error: ErrorView = {
        code: 'conflict',
        kind: 'busy',
        message: outcome.why,
        hint: 'run the command again',
        retry: 'later',
      }
      await context.finish(finish('failed', { error }))
      return { is: 'item', item: { status: 'failed', error } }
    }
    const result = (outcome.result ?? null) as JsonObject | null
    // Woken while it waits, with nothing to do: it goes on waiting, and nothing changed.
    const asBefore =
      outcome.is === 'waiting' && found?.state === 'waiting' && canonicalJson(result) === canonicalJson(found.result)
    const waiting = outcome.is === 'waiting' ? { waitsFor: outcome.for, wakeAt: outcome.until ?? null } : {}
    const written = await context.finish(
      finish(
        outcome.is === 'waiting' ? 'waiting' : 'done',
        { result, tables: outcome.tables ?? [], ...waiting },
        outcome.is === 'changed' ? 'done' : outcome.is,
      ),
    )
    if (written === 'controls') {
      await context.release() // an order came in at the last moment: execute again, it must not be lost
      return { is: 'again' }
    }
    if (written === 'fenced') return takenOver
    return {
      is: 'item',
      item: {
        status: outcome.is === 'unchanged' || asBefore ? 'unchanged' : 'changed',
        ...(result ? { result } : {}),
        ...(outcome.is === 'waiting'
          ? { waitsFor: outcome.for, ...(outcome.until ? { wakeAt: outcome.until } : {}) }
          : {}),
        ...(job.attempts > 1 ? { resumed: true } : {}),
      },
    }
  } finally {
    context.end()
  }
}

/** After an exception: leave it to the one who took over, leave it resumable, or take it back. */
async function failedEnd(
  host: Host,
  work: Work,
  plan: Plan,
  context: Execution,
  thrown: unknown,
  takenOver: End,
): Promise<End> {
  const { operation } = work
  if (thrown instanceof Fenced || context.signal.reason instanceof Fenced) return takenOver
  const stopped =
    thrown instanceof Stopped ? thrown : host.stop.hard.aborted ? new Stopped(host.stop.why ?? 'interrupt') : undefined
  if (stopped && stopped.why !== 'cancel') {
    await context.release()
    return { is: 'item', item: { status: 'failed', error: errorView(stopped) } }
  }
  const error = errorView(thrown)
  if (operation.undo && (stopped || operation.hold === 'run')) {
    context.undoing = true
    try {
      await operation.undo(plan, context)
    } catch (undoError) {
      if (undoError instanceof Fenced) return takenOver
      // What could not be taken back is resumed or cancelled later; both errors are told.
      const message = `${stopped ? 'the cancel' : error.message} could not be undone: ${errorView(undoError).message}`
      await context.release()
      return { is: 'item', item: { status: 'failed', error: { ...errorView(undoError), message, retry: 'resume' } } }
    }
  }
  if (stopped) {
    const order = context.control('cancel')
    if (order) await context.answer(order, { cancelled: true })
    await context.finish(finish('cancelled', {}))
    return { is: 'item', item: { status: 'skipped', error } }
  }
  await context.finish(finish('failed', { error }))
  return { is: 'item', item: { status: 'failed', error } }
}

function finish(state: Finish['state'], more: Partial<Finish>, outcome: Finish['outcome'] = state): Finish {
  return { state, outcome, result: null, error: null, tables: [], waitsFor: [], wakeAt: null, ...more }
}
