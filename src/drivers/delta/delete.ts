/** delete: rows that a condition is true of are gone, in one commit. Rows for which it is null stay. */
import type { Operation, Plan } from '../../core/operation.ts'
import { printable, refOfPath } from '../../core/ref.ts'
import { formatBytes } from '../../core/units.ts'
import { deleteOptions } from '../../verbs/options.ts'
import { checkCondition, partitionOnly } from './rows/condition.ts'
import { filesInPartitions } from './rows/partition-filter.ts'
import {
  type Choose,
  executeRemoval,
  planRemoval,
  type RemovalPlan,
  type RemovalResult,
  type RemovalState,
} from './rows/remove-rows.ts'
import { type Lake, openTable, storedFields } from './table.ts'

/** `where`: with the time in it where it asked for the time, so that it means the same rows for ever. */
type DeletePlan = Plan & RemovalPlan & { readonly where: string }

export function deleteRows(lake: Lake): Operation<{ where: string }, DeletePlan, RemovalResult, RemovalState> {
  return {
    options: deleteOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: ({ where }) => `where=${where}`,
    async plan(subject, options, ctx) {
      const table = await openTable(lake, subject, ctx)
      const { removal, condition } = await planRemoval(lake, table, matching(options.where, ctx.now()), ctx)
      const what = `delete from ${refOfPath(subject.path)} where ${printable(options.where)}`
      return {
        ...removal,
        changes: removal.rows === 0 ? 0 : 1,
        risk: 'severe',
        summary: [
          removal.rows === 0
            ? `${what}: no such rows`
            : `${what}: ${removal.rows} rows in ${removal.files} files (${formatBytes(removal.bytes)}); ${removal.filesRemoved} files go, ${removal.filesRewritten} are written again without them`,
        ],
        found: { rows: removal.rows },
        leases: [{ path: subject.path, mode: 'maintain' }],
        where: condition.sql,
      }
    },
    execute: (plan, ctx) => executeRemoval(lake, plan, matching(plan.where, ctx.now()), ctx),
  }
}

function matching(where: string, now: Date): Choose {
  return async (engine, { snapshot }) => {
    const condition = await checkCondition(engine, where, storedFields(snapshot), now)
    const { partitionColumns } = snapshot.metadata
    const partition = partitionOnly(condition, partitionColumns)
    const live = [...snapshot.files.values()]
    const files = partition === null ? live : await filesInPartitions(engine, snapshot, live, partition)
    const decided = condition.columns.every((column) => partitionColumns.includes(column))
    return { condition, files, whole: new Set(decided ? files : []), partial: 'rewrite' }
  }
}
