/** The context of a plan, a description, a query: everything that only reads. */
import type { Host } from '../host.ts'
import type { ReadContext } from '../operation.ts'

export function readContext(host: Host, backend: string): ReadContext {
  return {
    signal: host.stop.hard,
    run: host.run,
    records: host.catalog.records(backend),
    now: () => host.now(),
    report: () => {},
    log: (level, message, fields) => host.reporter.log(level, message, fields),
  }
}
