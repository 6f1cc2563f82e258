/** verify: is a table what its backend says it is? */
import type { Verification } from '../core/driver.ts'
import { refOfPath, segmentsOf } from '../core/ref.ts'
import { unsupported } from './operate.ts'
import { registered, tableSubject } from './select.ts'
import type { Session } from './session.ts'

export interface TableVerification extends Verification {
  readonly ref: string
  readonly ok: boolean
}

export async function verify(
  session: Session,
  ref: string,
  how: { readonly data: boolean },
): Promise<TableVerification> {
  const row = await registered(session, ref)
  const { backend } = segmentsOf(row.path)
  const driver = await session.driver(backend)
  if (!driver.can.verify) throw await unsupported('verify', driver.kind, ref)
  const found = await driver.can.verify.verify(tableSubject(row), how, session.reading(backend))
  return { ref: refOfPath(row.path), ok: found.problems.length === 0, ...found }
}
