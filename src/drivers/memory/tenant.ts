/** tenant.create: a project's twelve objects, one named step each; a failure takes back just what this job made. */
import { fail } from '../../core/errors.ts'
import type { Operation, Plan } from '../../core/operation.ts'
import { segmentsOf } from '../../core/ref.ts'
import { runSteps, type StepsState } from '../../core/run/steps.ts'
import { tenantCreateOptions } from '../../verbs/options.ts'
import type { MemoryStore } from './store.ts'

const schemaSets: Readonly<Record<string, readonly string[]>> = {
  twelve: [
    'january',
    'february',
    'march',
    'april',
    'may',
    'june',
    'july',
    'august',
    'september',
    'october',
    'november',
    'december',
  ],
}

interface TenantPlan extends Plan {
  readonly project: string
  readonly create: readonly string[]
}

type TenantOptions = ReturnType<typeof tenantCreateOptions.parse>

export function tenantCreate(
  store: MemoryStore,
): Operation<TenantOptions, TenantPlan, { created: number }, StepsState> {
  return {
    options: tenantCreateOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: (options) => `set=${options.schemaSet}`,
    async plan(subject, options) {
      const set = schemaSets[options.schemaSet]
      if (!set)
        throw fail('missing', 'schema-set-not-found', `there is no schema set "${options.schemaSet}"`, {
          hint: `use one of: ${Object.keys(schemaSets).join(', ')}`,
        })
      const { backend, project } = segmentsOf(subject.path)
      const there = new Set(
        store.all('select name from objects where project = ?', project).map((row) => row.name as string),
      )
      const create = set.map((object) => `${backend}/${project}/${object}`).filter((name) => !there.has(name))
      return {
        changes: create.length,
        risk: 'routine',
        summary: [`create ${create.length} of ${set.length} objects`],
        basis: {},
        leases: [{ path: subject.path, mode: 'exclusive' }],
        project,
        create,
      }
    },
    async execute(plan, ctx) {
      const make = (name: string) => () =>
        store.run(
          'insert into objects (name, project, job) values (?, ?, ?) on conflict do nothing',
          name,
          plan.project,
          ctx.job.id,
        )
      await runSteps(
        ctx,
        'objects',
        plan.create.map((name) => ({ id: name, run: async () => void store.write('object', make(name)) })),
      )
      return {
        is: 'changed',
        result: { created: plan.create.length },
        tables: plan.create.map((path) => ({
          put: path,
          spec: { schema: null, location: null, labels: {}, options: {} },
          state: 'active',
        })),
      }
    },
    async undo(plan, ctx) {
      for (const name of [...plan.create].reverse())
        store.write('object-undo', () => store.run('delete from objects where name = ? and job = ?', name, ctx.job.id))
    },
  }
}
