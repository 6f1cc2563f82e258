/** unregister: the catalog forgets a table, whose data stays where it is. The same for every driver: no backend takes part. */
import type { Operation } from '../core/operation.ts'
import { refOfPath } from '../core/ref.ts'
import { unregisterOptions } from './options.ts'

export function unregister(): Operation<object> {
  return {
    options: unregisterOptions,
    version: 1,
    hold: 'run',
    resume: 'replan',
    key: () => 'unregister',
    async plan(subject) {
      return {
        changes: subject.spec ? 1 : 0,
        risk: 'routine',
        summary: [
          `forget ${refOfPath(subject.path)}; its data stays${subject.spec?.location ? ` at ${subject.spec.location}` : ''}`,
        ],
        basis: {},
        leases: [{ path: subject.path, mode: 'exclusive' }],
      }
    },
    async execute(_plan, ctx) {
      if (!ctx.subject.spec) return { is: 'unchanged' }
      return {
        is: 'changed',
        result: { answer: 'unregistered', location: ctx.subject.spec.location },
        tables: [{ remove: ctx.subject.path }],
      }
    },
  }
}
