/** What is to be done for one subject: go on with its open job, plan afresh, or say why neither. */
import type { Job } from '../catalog.ts'
import { errorView, fail } from '../errors.ts'
import type { Host, ReportItem } from '../host.ts'
import type { Plan } from '../operation.ts'
import { refOfSubject } from '../ref.ts'
import { reapDead } from './dead.ts'
import { planOf, type RunRequest, type Work } from './work.ts'

export type Todo =
  | { readonly is: 'item'; readonly item: ReportItem }
  | { readonly is: 'work'; readonly work: Work; readonly plan: Plan; readonly job: Job | null }

export async function triage(host: Host, request: RunRequest, work: Work): Promise<Todo> {
  const { operation, subject } = work
  const ref = refOfSubject(subject)
  try {
    const { resumable, blocking } = await openWork(host, request, work)
    if (resumable && (operation.resume === 'continue' || request.force))
      return { is: 'work', work, plan: resumable.plan, job: resumable }
    if (blocking && !request.dryRun) throw unfinished(blocking, ref)
    const plan = request.saved?.get(subject.path) ?? (await planOf(host, work))
    if (plan.changes > 0 || resumable) return { is: 'work', work, plan, job: resumable ?? null }
    if (!request.dryRun)
      await host.catalog.audit({
        run: host.run,
        actor: host.actor,
        verb: work.verb,
        path: subject.path,
        job: null,
        outcome: 'unchanged',
        detail: null,
      })
    return { is: 'item', item: { ref, status: 'unchanged', plan, ...(plan.found ? { result: plan.found } : {}) } }
  } catch (error) {
    return { is: 'item', item: { ref, status: 'failed', error: errorView(error) } }
  }
}

/**
 * A dead job of the same verb and key is ours to go on with. A live one is somebody else's: a new one begins and the leases decide
 * (two appends go side by side, two optimizes do not). A job that claims its subject is never doubled.
 */
async function openWork(
  host: Host,
  request: RunRequest,
  { verb, operation, options, subject }: Work,
): Promise<{ resumable?: Job; blocking?: Job }> {
  let open = await host.catalog.openJobs(subject.path)
  if (open.some((job) => job.live)) {
    // Read again in any case: of several subjects at once another one may have freed the dead process's leases.
    await reapDead(host)
    open = await host.catalog.openJobs(subject.path)
  }
  const mine = open.filter((job) => job.verb === verb)
  const key = operation.key(options)
  const resumable = mine.find((job) =>
    request.force
      ? job.id === request.force.job
      : job.key === key && job.state !== 'queued' && (!job.live || job.hold === 'job'),
  )
  if (resumable && resumable.version !== operation.version)
    throw fail(
      'refused',
      'job-of-other-version',
      `job ${resumable.id} was begun by another version of tblctl and cannot be gone on with`,
      {
        hint: `tblctl jobs cancel ${resumable.id}, then run the command again`,
      },
    )
  const blocking = mine.find((job) => job !== resumable && job.hold === 'job')
  return { ...(resumable ? { resumable } : {}), ...(blocking && !resumable ? { blocking } : {}) }
}

function unfinished(job: Job, ref: string): Error {
  return fail(
    'busy',
    'unfinished-job',
    `${job.verb} ${job.key} is unfinished on ${ref} (job ${job.id}, ${job.state}${job.phase ? `, phase ${job.phase}` : ''})`,
    {
      hint: `tblctl jobs resume ${job.id}, or tblctl jobs cancel ${job.id}`,
      retry: 'later',
    },
  )
}
