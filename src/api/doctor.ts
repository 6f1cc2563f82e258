/** doctor: is everything there that the configured backends need? A line per check, a fix for every one that fails. */
import { version } from 'node:process'
import type { Check } from '../core/driver.ts'
import { errorView } from '../core/errors.ts'
import type { Host } from '../core/host.ts'
import type { ReadContext } from '../core/operation.ts'
import { segmentsOf } from '../core/ref.ts'
import type { Session } from './session.ts'

export interface DoctorCheck extends Check {
  /** null: the installation itself. */
  readonly backend: string | null
}

export async function* examine(session: Session, backends: readonly string[]): AsyncIterable<DoctorCheck> {
  const broken = yield* own(session)
  for (const backend of backends) {
    try {
      const driver = await session.driver(backend)
      const reading = broken === null ? session.reading(backend) : withoutCatalog(session.host(), broken)
      const checks = await driver.ping(reading)
      // What was broken off says nothing about the backend.
      reading.signal.throwIfAborted()
      for (const check of checks) yield { backend, ...check }
    } catch (error) {
      session.host().stop.hard.throwIfAborted()
      if (error === broken && broken !== null) {
        yield { backend, check: 'opens', ok: false, detail: 'it needs the catalog', fix: 'mend the catalog first' }
        continue
      }
      const { message, hint } = errorView(error)
      yield { backend, check: 'opens', ok: false, detail: message, ...(hint ? { fix: hint } : {}) }
    }
  }
  if (broken === null) yield* orphans(session)
}

function withoutCatalog({ run, stop, reporter, now }: Host, broken: Error): ReadContext {
  return {
    signal: stop.hard,
    run,
    records: {
      get: () => Promise.reject(broken),
      // biome-ignore lint/correctness/useYield: there is nothing to read, and that is said
      async *list() {
        throw broken
      },
    },
    now,
    report: () => {},
    log: (level, message, fields) => reporter.log(level, message, fields),
  }
}

/** Returns why the catalog cannot be used, or null. */
async function* own(session: Session): AsyncGenerator<DoctorCheck, Error | null> {
  let broken: Error | null = null
  yield { backend: null, check: 'node', ok: true, detail: version }
  yield { backend: null, check: 'config', ok: true, detail: session.config.file }
  try {
    await session.catalog().leases()
    yield { backend: null, check: 'catalog', ok: true, detail: session.config.catalog }
  } catch (error) {
    const { message, hint } = errorView(error)
    broken = error instanceof Error ? error : new Error(message)
    yield {
      backend: null,
      check: 'catalog',
      ok: false,
      detail: message,
      fix: hint ?? 'check the file that "catalog" in tblctl.yaml names',
    }
  }
  const { broken: schemas } = await session.schemas().list()
  yield schemas.length === 0
    ? { backend: null, check: 'schemas', ok: true, detail: 'all table schemas can be read' }
    : {
        backend: null,
        check: 'schemas',
        ok: false,
        detail: `broken: ${schemas.map((b) => b.name).join(', ')}`,
        fix: `tblctl schema validate ${schemas[0]!.file}`,
      }
  return broken
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
