/** unlock: who holds a table, and an end to it. */
import { type LeaseRow, overlaps } from '../core/catalog.ts'
import type { Subject } from '../core/operation.ts'
import { reapDead } from '../core/run/dead.ts'
import { type JobView, requireKnown, viewOf } from './jobs.ts'
import { subjectOf } from './select.ts'
import type { Session } from './session.ts'

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
