/** history: what was done to a table, as the backend itself tells it, newest first. */
import type { HistoryEntry } from '../core/driver.ts'
import { segmentsOf } from '../core/ref.ts'
import { unsupported } from './operate.ts'
import { registered, tableSubject } from './select.ts'
import type { Session } from './session.ts'

/** `limit`: null = all that is left of it. */
export async function* history(session: Session, ref: string, limit: number | null): AsyncIterable<HistoryEntry> {
  const row = await registered(session, ref)
  const { backend } = segmentsOf(row.path)
  const driver = await session.driver(backend)
  if (!driver.can.history) throw await unsupported('history', driver.kind, ref)
  yield* driver.can.history.history(tableSubject(row), { limit }, session.reading(backend))
}
