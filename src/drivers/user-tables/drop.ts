/** drop: the table, the hot rows and the segments of all its users are gone. One transaction ends it; the files follow. */
import type { Operation } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import { dropOptions } from '../../verbs/options.ts'
import { dropUser, sweep } from './segments.ts'
import type { HotStore } from './store.ts'
import { findTable, type Home, type User, type UserTable } from './table.ts'

export function drop(home: Home): Operation<object> {
  const { store } = home
  return {
    options: dropOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: () => 'drop',
    async plan(subject) {
      const table = findTable(store, subject.path)
      const users = table ? usersOf(store, table) : []
      const rows = users.reduce((sum, user) => sum + user.live, 0)
      return {
        changes: table || subject.spec ? 1 : 0,
        risk: 'severe',
        summary: [`drop ${refOfPath(subject.path)} with ${rows} rows of ${users.length} users`],
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
      const files = await sweep(home, { path })
      return { is: 'changed', result: { files }, tables: ctx.subject.spec ? [{ remove: path }] : [] }
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
