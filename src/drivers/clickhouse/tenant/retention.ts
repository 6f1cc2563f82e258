/** tenant.retention: how long all tables of a tenant keep their rows, one step for each; one that cannot be changed keeps all as they are. */
import { fail } from '../../../core/errors.ts'
import type { Operation } from '../../../core/operation.ts'
import { refOfPath, segmentsOf } from '../../../core/ref.ts'
import type { StepsState } from '../../../core/run/steps.ts'
import { tenantRetentionOptions } from '../../../verbs/options.ts'
import { anchorOf } from '../anchor.ts'
import { executeRetention, planRetention, type RetentionPlan, type RetentionResult } from '../retention.ts'
import type { Warehouse } from '../warehouse.ts'
import { readTenantObjects } from './state.ts'

type Options = ReturnType<typeof tenantRetentionOptions.parse>

export function tenantRetention(warehouse: Warehouse): Operation<Options, RetentionPlan, RetentionResult, StepsState> {
  const { database, environment } = warehouse
  return {
    options: tenantRetentionOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: ({ retention, applyNow }) => `retention=${retention}${applyNow ? ' now' : ''}`,
    async plan(subject, options, ctx) {
      await using executor = await warehouse.executor(ctx.signal)
      const { project } = segmentsOf(subject.path)
      const { objects } = await readTenantObjects(executor, database, project, ctx.signal)
      const tables = objects.filter(({ identity }) => identity.kind !== 'view')
      if (tables.length === 0) throw noTenant(refOfPath(subject.path, 'project'))
      const version = await executor.version
      return planRetention(
        executor,
        tables.map(({ name, identity, ttl }) => ({
          table: identity.table,
          database,
          name,
          ttl,
          anchor: () => anchorOf(identity, environment, version),
        })),
        options,
        { leases: [{ path: subject.path, mode: 'exclusive' }], now: ctx.now(), signal: ctx.signal },
      )
    },
    async execute(plan, ctx) {
      await using executor = await warehouse.executor(ctx.signal)
      return executeRetention(executor, plan, ctx)
    },
  }
}

export const noTenant = (ref: string): Error =>
  fail('missing', 'tenant-not-found', `there is no tenant ${ref}`, {
    hint: 'tblctl tenant list shows those that there are',
  })
