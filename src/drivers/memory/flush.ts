/** flush: hot segments become cold, shard by shard; each shard is a part, so that two flushes share the work and never the same shard. */
import type { Operation } from '../../core/operation.ts'
import { flushOptions } from '../../verbs/options.ts'
import type { MemoryStore } from './store.ts'
import { requireTable } from './table.ts'

interface State {
  readonly after: number
  readonly shards: number
  readonly rows: number
}

export function flush(
  store: MemoryStore,
): Operation<{ as: string | null }, any, { shards: number; rows: number; skipped: readonly string[] }, State> {
  const dueShards = (path: string, after: number) =>
    store
      .all('select distinct shard from segments where path = ? and hot = 1 and shard > ? order by shard', path, after)
      .map((row) => Number(row.shard))
  return {
    options: flushOptions,
    version: 1,
    hold: 'run',
    resume: 'replan',
    key: () => 'flush',
    async plan(subject) {
      requireTable(store, subject.path)
      const due = dueShards(subject.path, -1).length
      return {
        changes: due,
        risk: 'routine',
        summary: [`flush ${due} shards`],
        basis: {},
        leases: [{ path: subject.path, mode: 'write' }],
      }
    },
    async execute(_plan, ctx) {
      let state = ctx.state ?? { after: -1, shards: 0, rows: 0 }
      const skipped: string[] = []
      const due = dueShards(ctx.subject.path, state.after)
      for (const shard of due) {
        await using part = await ctx.part(`shard-${shard}`, 'maintain')
        if (!part) {
          skipped.push(`shard-${shard}`) // another process flushes it: not our failure
          continue
        }
        const rows = store.write('flush', () =>
          store
            .all(
              'update segments set hot = 0 where path = ? and shard = ? and hot = 1 returning rows',
              ctx.subject.path,
              shard,
            )
            .reduce((n, row) => n + Number(row.rows), 0),
        )
        state = { after: shard, shards: state.shards + 1, rows: state.rows + rows }
        ctx.report({ done: state.shards, total: due.length, unit: 'shards' })
        await ctx.commit({ phase: 'flushing', state })
      }
      return state.shards > 0
        ? { is: 'changed', result: { shards: state.shards, rows: state.rows, skipped } }
        : { is: 'unchanged' }
    },
  }
}
