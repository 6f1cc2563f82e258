/** register: the catalog learns of a table that the backend holds. */
import { fail } from '../../core/errors.ts'
import type { Operation } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import { registerOptions } from '../../verbs/options.ts'
import type { MemoryStore } from './store.ts'
import { requireTable } from './table.ts'

export function register(store: MemoryStore): Operation<ReturnType<typeof registerOptions.parse>> {
  return {
    options: registerOptions,
    version: 1,
    hold: 'run',
    resume: 'replan',
    key: () => 'register',
    async plan(subject, options) {
      if (options.location !== null)
        throw fail('usage', 'no-location', 'tables of the memory driver have no location', {
          hint: 'leave --location out',
        })
      const table = requireTable(store, subject.path)
      return {
        changes: subject.spec ? 0 : 1,
        risk: 'routine',
        summary: [`adopt ${refOfPath(subject.path)} (${table.schema.fields.length} columns)`],
        basis: {},
        leases: [{ path: subject.path, mode: 'exclusive' }],
      }
    },
    async execute(_plan, ctx) {
      const table = requireTable(store, ctx.subject.path)
      if (ctx.subject.spec) return { is: 'unchanged' } // registered since it was planned: its labels stay
      return {
        is: 'changed',
        result: { answer: 'adopted', columns: table.schema.fields.length },
        tables: [
          {
            put: ctx.subject.path,
            spec: { schema: table.schema.name, location: null, labels: ctx.options.labels, options: {} },
            state: 'active',
          },
        ],
      }
    },
  }
}
