/** Which version a job committed: a process that was killed between the log and the catalog finds its own work. */
import type { ObjectStore } from '../../../storage/object-store.ts'
import { isObject } from './exact-json.ts'
import { readCommit } from './snapshot.ts'

/** The newest of these versions, both inclusive, that the job committed; undefined when there is none. */
export async function commitOfJob(
  { store, prefix }: { readonly store: ObjectStore; readonly prefix: string },
  job: string,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<number | undefined> {
  for (let version = to; version >= from; version--) {
    const actions = (await readCommit(store, prefix, version)) ?? []
    const mine = actions.some(
      (action) => 'commitInfo' in action && isObject(action.commitInfo.tblctl) && action.commitInfo.tblctl.job === job,
    )
    if (mine) return version
  }
  return undefined
}
