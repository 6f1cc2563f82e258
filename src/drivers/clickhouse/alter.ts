/** alter: how long one table keeps its rows. */
import { fail } from '../../core/errors.ts'
import type { Operation } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import type { StepsState } from '../../core/run/steps.ts'
import { alterOptions } from '../../verbs/options.ts'
import { anchorOf } from './anchor.ts'
import { executeRetention, planRetention, type RetentionPlan, type RetentionResult } from './retention.ts'
import { locate } from './table.ts'
import { readTtl } from './ttl.ts'
import type { Warehouse } from './warehouse.ts'

type Options = ReturnType<typeof alterOptions.parse>

export function alter(warehouse: Warehouse): Operation<Options, RetentionPlan, RetentionResult, StepsState> {
  return {
    options: alterOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: ({ retention, applyNow }) => `retention=${retention}${applyNow ? ' now' : ''}`,
    async plan(subject, { retention, applyNow }, ctx) {
      if (retention === null)
        throw fail('usage', 'nothing-to-alter', 'nothing is said that should change', {
          hint: 'such as --retention 30d',
        })
      await using executor = await warehouse.executor(ctx.signal)
      const table = await locate(warehouse, executor, subject, ctx.signal)
      const { database, name, identity } = table
      const retained = {
        table: refOfPath(subject.path),
        database,
        name,
        ttl: readTtl(table.engineFull),
        anchor: async () => anchorOf(identity, warehouse.environment, await executor.version),
      }
      return planRetention(
        executor,
        [retained],
        { retention, applyNow },
        { leases: [{ path: subject.path, mode: 'exclusive' }], now: ctx.now(), signal: ctx.signal },
      )
    },
    async execute(plan, ctx) {
      await using executor = await warehouse.executor(ctx.signal)
      return executeRetention(executor, plan, ctx)
    },
  }
}
