/** doctor: is everything there that the configured backends need? A line per check, a fix for every one that fails. */
import { version } from 'node:process'
import type { Check } from '../core/driver.ts'
import { errorView } from '../core/errors.ts'
import { segmentsOf } from '../core/ref.ts'
import type { Session } from './session.ts'

export interface DoctorCheck extends Check {
  /** null: the installation itself. */
  readonly backend: string | null
}

export async function* examine(session: Session, backends: readonly string[]): AsyncIterable<DoctorCheck> {
  yield* own(session)
  for (const backend of backends) {
    try {
      const driver = await session.driver(backend)
      for (const check of await driver.ping(session.reading(backend))) yield { backend, ...check }
    } catch (error) {
      const { message, hint } = errorView(error)
      yield { backend, check: 'opens', ok: false, detail: message, ...(hint ? { fix: hint } : {}) }
    }
  }
  yield* orphans(session)
}

async function* own(session: Session): AsyncIterable<DoctorCheck> {
  yield { backend: null, check: 'node', ok: true, detail: version }
  yield { backend: null, check: 'config', ok: true, detail: session.config.file }
  try {
    await session.catalog().leases()
    yield { backend: null, check: 'catalog', ok: true, detail: session.config.catalog }
  } catch (error) {
    const { message, hint } = errorView(error)
    yield {
      backend: null,
      check: 'catalog',
      ok: false,
      detail: message,
      fix: hint ?? 'check the file that "catalog" in tblctl.yaml names',
    }
  }
  const { broken } = await session.schemas().list()
  yield broken.length === 0
    ? { backend: null, check: 'schemas', ok: true, detail: 'all table schemas can be read' }
    : {
        backend: null,
        check: 'schemas',
        ok: false,
        detail: `broken: ${broken.map((b) => b.name).join(', ')}`,
        fix: `tblctl schema validate ${broken[0]!.file}`,
      }
}

/** Tables of the catalog whose backend the config no longer names: nothing else would ever tell. */
async function* orphans(session: Session): AsyncIterable<DoctorCheck> {
  const lost = new Map<string, number>()
  for await (const row of session.catalog().tables()) {
    const { backend } = segmentsOf(row.path)
    if (!session.config.backends.has(backend)) lost.set(backend, (lost.get(backend) ?? 0) + 1)
  }
  for (const [backend, tables] of lost)
    yield {
      backend,
      check: 'configured',
      ok: false,
      detail: `${tables} registered tables, but the config names no such backend`,
      fix: `add backend ${backend} to ${session.config.file}`,
    }
}
