/** sync.run: one sync from its checkpoint to the source's high water, as an operation like every other. */
import type { Operation, Plan } from '../core/operation.ts'
import { refOfPath, segmentOfId } from '../core/ref.ts'
import type { SyncEnds } from './ends.ts'
import { isCurrent } from './facts.ts'
import { inspect, whereOf } from './inspect.ts'
import type { SyncResult, SyncState } from './run.ts'
import { type SyncSpec, syncSpec } from './spec.ts'
import { syncTable } from './table-sync.ts'

export const syncVerb = 'sync.run'
export const syncPath = (id: string): string => `sync/${segmentOfId(id)}`

/** `open` is asked for both ends when the sync is planned or executed: what cannot be opened fails this sync alone. */
export function syncRun(open: (spec: SyncSpec) => Promise<SyncEnds>): Operation<SyncSpec, Plan, SyncResult, SyncState> {
  return {
    options: syncSpec,
    version: 1,
    hold: 'run',
    resume: 'continue',
    // Of a sync there is one work, whatever its batch sizes are today.
    key: () => 'run',
    async plan(subject, spec, ctx) {
      const { facts, stored, known, again } = await inspect(await open(spec), spec, subject.path, ctx)
      const current = isCurrent(spec, facts, stored, known, again)
      const from = stored === null ? 'the first row' : `${stored.recordsIngested} rows, last ${stored.cursor.time}`
      return {
        changes: current ? 0 : 1,
        risk: 'routine',
        summary: [current ? `${whereOf(spec)} is as the source is` : `sync ${whereOf(spec)} from ${from}`],
        basis: {},
        // The table that it makes is there for all: another sync that makes it waits.
        leases: [
          { path: subject.path, mode: 'exclusive' },
          { path: spec.target, mode: 'write' },
        ],
      }
    },
    async execute(_plan, ctx) {
      const result = await syncTable(await open(ctx.options), ctx.options, ctx)
      if (result === 'overtaken')
        return { is: 'conflict', why: `another process writes ${refOfPath(ctx.options.target)} for this sync` }
      return { is: result.rows > 0 || result.columnsAdded > 0 || result.created ? 'changed' : 'unchanged', result }
    },
  }
}
