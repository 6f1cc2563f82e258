/** audit: who did what to which table. */
import type { AuditRow } from '../core/catalog.ts'
import { refOfPath, segmentsOf } from '../core/ref.ts'
import { requireKnown } from './jobs.ts'
import { subjectOf } from './select.ts'
import type { Session } from './session.ts'

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
