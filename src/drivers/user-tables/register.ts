/** register: the catalog learns of a table that the hot store holds. */
import { fail } from '../../core/errors.ts'
import type { Operation } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import { registerOptions } from '../../verbs/options.ts'
import { specOptions } from './definition.ts'
import { type Home, requireTable } from './table.ts'

export function register({ store }: Home): Operation<ReturnType<typeof registerOptions.parse>> {
  return {
    options: registerOptions,
    version: 1,
    hold: 'run',
    resume: 'replan',
    key: () => 'register',
    async plan(subject, options) {
      if (options.location !== null)
        throw fail('usage', 'no-location', 'the hot store knows where the segments of a user table lie', {
          hint: 'leave --location out',
        })
      const table = requireTable(store, subject.path)
      return {
        changes: subject.spec ? 0 : 1,
        risk: 'routine',
        summary: [`adopt ${refOfPath(subject.path)} (${table.fields.length} columns)`],
        basis: {},
        leases: [{ path: subject.path, mode: 'exclusive' }],
      }
    },
    async execute(_plan, ctx) {
      const table = requireTable(store, ctx.subject.path)
      if (ctx.subject.spec) return { is: 'unchanged' } // registered since it was planned: its labels stay
      const spec = {
        schema: table.schema?.name ?? null,
        location: table.location,
        labels: ctx.options.labels,
        options: specOptions(table),
      }
      return {
        is: 'changed',
        result: { answer: 'adopted', columns: table.fields.length },
        tables: [{ put: ctx.subject.path, spec, state: 'active' }],
      }
    },
  }
}
