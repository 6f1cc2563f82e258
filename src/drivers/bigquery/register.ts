/** register: the catalog learns of a table that BigQuery holds. Nothing is written there. */
import { fail } from '../../core/errors.ts'
import type { Operation } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import { registerOptions } from '../../verbs/options.ts'
import { openTable, schemaOf, type Warehouse } from './table.ts'
import { fieldOf } from './types.ts'

export function register(warehouse: Warehouse): Operation<ReturnType<typeof registerOptions.parse>> {
  return {
    options: registerOptions,
    version: 1,
    hold: 'run',
    resume: 'replan',
    key: () => 'register',
    async plan(subject, options, ctx) {
      if (options.location !== null)
        throw fail('usage', 'no-location', 'a BigQuery table is named by its ref: PROJECT is the dataset', {
          hint: 'leave --location out',
        })
      const table = await openTable(warehouse, subject.path, ctx)
      const columns = schemaOf(table).map(fieldOf).length
      return {
        changes: subject.spec ? 0 : 1,
        risk: 'routine',
        summary: [`adopt ${refOfPath(subject.path)} (${columns} columns)`],
        basis: { createdAt: table.creationTime ?? null },
        leases: [{ path: subject.path, mode: 'exclusive' }],
      }
    },
    async execute(plan, ctx) {
      if (ctx.subject.spec) return { is: 'unchanged' } // registered since it was planned: its labels stay
      const table = await openTable(warehouse, ctx.subject.path, ctx)
      if ((table.creationTime ?? null) !== plan.basis.createdAt)
        return { is: 'stale', why: 'another table has its name now' }
      const spec = { schema: null, location: null, labels: ctx.options.labels, options: {} }
      return {
        is: 'changed',
        result: { answer: 'adopted', columns: schemaOf(table).length },
        tables: [{ put: ctx.subject.path, spec, state: 'active' }],
      }
    },
  }
}
