/** register: the catalog learns of a table that Harper holds. Nothing is written there. */
import { fail } from '../../core/errors.ts'
import type { Operation } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import { registerOptions } from '../../verbs/options.ts'
import type { Database } from './table.ts'

export function register(database: Database): Operation<ReturnType<typeof registerOptions.parse>> {
  return {
    options: registerOptions,
    version: 1,
    hold: 'run',
    resume: 'replan',
    key: () => 'register',
    async plan(subject, options, ctx) {
      if (options.location !== null)
        throw fail('usage', 'no-location', 'a Harper table is named by its ref', { hint: 'leave --location out' })
      const table = await database.require(subject.path, ctx)
      return {
        changes: subject.spec ? 0 : 1,
        risk: 'routine',
        summary: [`adopt ${refOfPath(subject.path)} (${table.attributes.length} attributes)`],
        basis: {},
        leases: [{ path: subject.path, mode: 'exclusive' }],
      }
    },
    async execute(_plan, ctx) {
      if (ctx.subject.spec) return { is: 'unchanged' } // registered since it was planned: its labels stay
      const table = await database.require(ctx.subject.path, ctx)
      const spec = { schema: null, location: null, labels: ctx.options.labels, options: {} }
      return {
        is: 'changed',
        result: { answer: 'adopted', columns: table.attributes.length },
        tables: [{ put: ctx.subject.path, spec, state: 'active' }],
      }
    },
  }
}
