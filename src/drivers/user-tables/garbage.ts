/**
 * Garbage: files that are no segment yet or no longer, written down before they come or with what makes them superfluous. Whoever sweeps
 * deletes those that are what was written down, and leaves what somebody else put there.
 */
import { refOfPath } from '../../core/ref.ts'
import { manifestKey } from './manifest.ts'
import { isOwn, readManifestHead, segmentProblem } from './origin.ts'
import type { HotStore } from './store.ts'
import type { Home, User, UserTable } from './table.ts'

/** Within a transaction: the file is nobody's from now on. `mark`: how to know it again; null for a manifest. */
export function discard(
  store: HotStore,
  table: UserTable,
  user: User,
  root: string,
  key: string,
  mark: string | null,
): void {
  store.run(
    'insert or ignore into garbage (root, key, user_id, path, mark) values (?, ?, ?, ?, ?)',
    root,
    key,
    user.id,
    table.path,
    mark,
  )
}

/**
 * Deletes files that are nobody's: of a user, by whoever has the user to himself, or all that a dropped table left. Files that are not ours
 * stay and are `kept`.
 */
export async function sweep(
  home: Home,
  of: { readonly user: number } | { readonly path: string },
): Promise<{ readonly deleted: number; readonly kept: readonly string[] }> {
  const { store } = home
  const rows =
    'user' in of
      ? store.all('select * from garbage where user_id = ?', of.user)
      : store.all('select * from garbage where path = ?', of.path)
  const kept: string[] = []
  for (const { root, key, path, mark } of rows as unknown as Garbage[]) {
    if (await isOurs(home, { root, key, path, mark })) await home.locations.open(root).delete([key])
    else kept.push(`${root}/${key}`)
    store.write('sweep', () => store.run('delete from garbage where root = ? and key = ?', root, key))
  }
  return { deleted: rows.length - kept.length, kept }
}

interface Garbage {
  readonly root: string
  readonly key: string
  /** Of the table. */
  readonly path: string
  readonly mark: string | null
}

/** Also true for what is gone already. */
async function isOurs(home: Home, { root, key, path, mark }: Garbage): Promise<boolean> {
  const store = home.locations.open(root)
  const folder = key.slice(0, key.lastIndexOf('/'))
  if (key === manifestKey(folder)) {
    const head = await readManifestHead(store, folder)
    return head === undefined || isOwn(home, head, refOfPath(path))
  }
  const found = mark === null ? undefined : await store.head(key)
  return found === undefined || (await segmentProblem(store.localPath(key)!, { bytes: found.size, mark })) === null
}
