/** vacuum: files that nobody needs, rows older than the retention, or tables that were dropped: which of these, subject and options say. */
import type { FileVacuumOptions } from '../../core/driver.ts'
import type { Operation } from '../../core/operation.ts'
import { fileVacuumOptions } from '../../verbs/options.ts'
import type { Lake } from './table.ts'
import { type ExpirePlan, executeExpired, planExpired } from './vacuum/expire.ts'
import { executeFileVacuum, type FileVacuumPlan, planFileVacuum } from './vacuum/files.ts'
import { executePurge, type PurgePlan, planPurge } from './vacuum/purge.ts'

export function vacuum(lake: Lake): Operation<FileVacuumOptions, FileVacuumPlan | ExpirePlan | PurgePlan, object, any> {
  return {
    options: fileVacuumOptions,
    version: 1,
    hold: 'run',
    // What is removed was chosen by the plan's own point in time, so that a killed run goes on with the same files.
    resume: 'continue',
    key: ({ expired, byRows, mode, retainMs }) =>
      expired ? `expired ${byRows ? 'rows' : 'partitions'}` : `files ${mode} ${retainMs ?? ''}`,
    plan(subject, options, ctx) {
      if (subject.kind === 'backend') return planPurge(lake, subject.path, ctx)
      return options.expired ? planExpired(lake, subject, options, ctx) : planFileVacuum(lake, subject, options, ctx)
    },
    execute(plan, ctx) {
      if ('tables' in plan) return executePurge(lake, plan, ctx)
      return 'cutoff' in plan ? executeExpired(lake, plan, ctx) : executeFileVacuum(lake, plan, ctx)
    },
  }
}
