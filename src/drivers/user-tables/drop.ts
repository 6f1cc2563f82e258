/** drop: the table, the hot rows and the segments of all its users are gone. One transaction ends it; the files follow. */
import type { Operation } from '../../core/operation.ts'
import { printable, refOfPath } from '../../core/ref.ts'
import { dropOptions } from '../../verbs/options.ts'
import { sweep } from './garbage.ts'
import { dropUser } from './segments.ts'
import type { HotStore } from './store.ts'
import { findTable, type Home, tableLost, type User, type UserTable } from './table.ts'

export function drop(home: Home): Operation<object> {
  const { store } = home
  return {
    options: dropOptions,
    version: 1,
    // Hot rows go before the files: until all are gone nobody else may work on what is half there.
    hold: 'job',
    resume: 'continue',
    key: () => 'drop',
    async plan(subject) {
      const table = findTable(store, subject.path)
      // Of a drop that was cancelled when the rows were gone and the files were not.
      const left = !table && store.get('select 1 from garbage where path = ?', subject.path) !== undefined
      if (!table && !left && subject.spec) throw tableLost(subject.path)
      const users = table ? usersOf(store, table) : []
      const rows = users.reduce((sum, user) => sum + user.live, 0)
      return {
        changes: table || left ? 1 : 0,
        risk: 'severe',
        summary: [
          `drop ${refOfPath(subject.path)} with ${rows} ${rows === 1 ? 'row' : 'rows'} of ${users.length} ${users.length === 1 ? 'user' : 'users'}`,
        ],
        basis: { table: table?.id ?? null },
        leases: [{ path: subject.path, mode: 'exclusive' }],
      }
    },
    async execute(plan, ctx) {
      const { path } = ctx.subject
      const table = findTable(store, path)
      if (table && table.id !== plan.basis.table) return { is: 'stale', why: 'another table is in its place' }
      await ctx.commit({ phase: 'dropping', state: {} })
      if (table) store.write('drop', () => forget(home, table))
      await home.schemaFiles.remove(path)
      const { deleted, kept } = await sweep(home, { path })
      for (const file of kept) ctx.log('warn', `${printable(file)} is another file than was written there; it stays`)
      return {
        is: 'changed',
        result: { files: deleted, kept: kept.length },
        tables: ctx.subject.spec ? [{ remove: path }] : [],
      }
    },
  }
}

function usersOf(store: HotStore, table: UserTable): User[] {
  return store.all('select id, name, sequence, live from users where table_id = ?', table.id).map((row) => ({
    id: Number(row.id),
    name: row.name as string,
    sequence: Number(row.sequence),
    live: Number(row.live),
  }))
}

function forget(home: Home, table: UserTable): void {
  const { store } = home
  for (const user of usersOf(store, table)) {
    dropUser(home, table, user)
    for (const kept of ['hot_rows', 'batches', 'mutations']) store.run(`delete from ${kept} where user_id = ?`, user.id)
  }
  store.run('delete from users where table_id = ?', table.id)
  store.run('delete from tables where id = ?', table.id)
}
