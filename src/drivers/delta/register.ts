/** register: the catalog learns of a Delta table that is there. Nothing is written below the table. */
import { fail } from '../../core/errors.ts'
import type { Operation, Plan } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import { registerOptions } from '../../verbs/options.ts'
import { rowsOf } from './facts.ts'
import { type Lake, snapshotAt } from './table.ts'

interface RegisterPlan extends Plan {
  readonly location: string
}

export function register(lake: Lake): Operation<ReturnType<typeof registerOptions.parse>, RegisterPlan> {
  return {
    options: registerOptions,
    version: 1,
    hold: 'run',
    resume: 'replan',
    key: (options) => `register ${options.location ?? ''}`,
    async plan(subject, options, ctx) {
      const ref = refOfPath(subject.path)
      const location = lake.locations.of({ path: subject.path, spec: null }, options.location)
      const there = subject.spec && lake.locations.of(subject).url
      if (there && there !== location.url)
        throw fail('refused', 'registered-elsewhere', `${ref} is registered at ${there}`, {
          hint: `tblctl unregister ${ref}, then register it at ${location.url}`,
        })
      const snapshot = await snapshotAt(lake, location, ctx)
      if (!snapshot)
        throw fail('missing', 'no-delta-table', `there is no Delta table at ${location.url}`, {
          where: location.url,
          hint:
            options.location === null
              ? `tblctl create ${ref} --schema NAME, or say where it is with --location`
              : 'check the path: the folder must hold _delta_log',
        })
      return {
        changes: subject.spec ? 0 : 1,
        risk: 'routine',
        summary: [
          `adopt ${location.url} as ${ref} (version ${snapshot.version}, ${snapshot.files.size} files, ${snapshot.fields.length} columns)`,
        ],
        basis: { id: snapshot.metadata.id },
        leases: [{ path: subject.path, mode: 'exclusive' }],
        location: location.url,
      }
    },
    async execute(plan, ctx) {
      // Registered since it was planned: its labels stay; elsewhere, the new plan says so.
      if (ctx.subject.spec)
        return lake.locations.of(ctx.subject).url === plan.location
          ? { is: 'unchanged' }
          : { is: 'stale', why: 'it was registered elsewhere meanwhile' }
      const snapshot = await snapshotAt(lake, lake.locations.of(ctx.subject, plan.location), ctx)
      if (!snapshot || snapshot.metadata.id !== plan.basis.id)
        return { is: 'stale', why: `another table is at ${plan.location} now` }
      const spec = { schema: null, location: plan.location, labels: ctx.options.labels, options: {} }
      return {
        is: 'changed',
        result: {
          answer: 'adopted',
          location: plan.location,
          version: snapshot.version,
          files: snapshot.files.size,
          rows: rowsOf(snapshot).rows,
          columns: snapshot.fields.length,
        },
        tables: [{ put: ctx.subject.path, spec, state: 'active' }],
      }
    },
  }
}
