/** Work on one user after the other, each of them alone: two processes share the users, and nobody is done twice. */
import type { RunContext } from '../../core/operation.ts'
import { sweep } from './garbage.ts'
import { publishManifest } from './manifest.ts'
import { requireOwnFolder } from './origin.ts'
import type { Home, User, UserTable } from './table.ts'

const waitMs = 100

/**
 * Runs `work` with each user to itself, and tidies up before and after it. A user that another process works on is waited for: what that
 * process leaves undone is done here.
 */
export async function forEachUser(
  home: Home,
  table: UserTable,
  ids: readonly number[],
  ctx: RunContext<any, any>,
  work: (user: User) => Promise<void>,
): Promise<void> {
  let left = ids
  while (left.length > 0) {
    const busy: number[] = []
    for (const id of left) {
      ctx.signal.throwIfAborted()
      await using part = await ctx.part(`user-${id}`, 'maintain')
      if (!part) {
        busy.push(id)
        continue
      }
      const user = userById(home, id)
      if (!user) continue
      await tidy(home, table, user, ctx)
      await work(user)
      await tidy(home, table, user, ctx)
    }
    if (busy.length > 0) await ctx.idle(waitMs)
    left = busy
  }
}

async function tidy(home: Home, table: UserTable, user: User, ctx: RunContext<any, any>): Promise<void> {
  await requireOwnFolder(home, table, user)
  await publishManifest(home, table, user, ctx.now())
  await sweep(home, { user: user.id })
}

function userById({ store }: Home, id: number): User | undefined {
  const row = store.get('select * from users where id = ?', id)
  return row && { id, name: row.name as string, sequence: Number(row.sequence), live: Number(row.live) }
}
