/** flush: rows that a backend keeps hot move into its cold storage; of all users, or of one where rows belong to users. */
import { segmentsOf } from '../core/ref.ts'
import { checkUser } from './data.ts'
import { type OperationReport, operate } from './operate.ts'
import { type Selection, selectTables, tableSubject } from './select.ts'
import type { Session } from './session.ts'

export async function flushTables(
  session: Session,
  selection: Selection,
  as: string | null,
  dryRun: boolean,
): Promise<OperationReport> {
  const rows = await selectTables(session, selection)
  if (as !== null) for (const { path } of rows) await checkUser(session, segmentsOf(path).backend, as)
  return operate(session, 'flush', rows.map(tableSubject), { as }, { dryRun })
}
