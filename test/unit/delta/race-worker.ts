/** A writer in a thread of its own: commits one file after the other, each on what it last knew of the table. */
import { parentPort, workerData } from 'node:worker_threads'
import { commit } from '../../../src/drivers/delta/log/commit.ts'
import { readSnapshot } from '../../../src/drivers/delta/log/snapshot.ts'
import { openLocalStore } from '../../../src/storage/local.ts'

const { root, scratch, writer, commits } = workerData as {
  root: string
  scratch: string
  writer: string
  commits: number
}
const store = openLocalStore(root)
// Never refreshed: every commit but the first has to find its way past the other writer's.
const snapshot = (await readSnapshot(store, 't', { scratch }))!
const outcomes: string[] = []
for (let i = 0; i < commits; i++) {
  const path = `${writer}-${i}`
  const outcome = await commit(
    store,
    't',
    {
      snapshot,
      kind: 'append',
      actions: [{ add: { path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true } }],
      txn: { appId: path, version: 1 },
      operation: { name: 'WRITE', parameters: {}, metrics: {} },
    },
    { engineInfo: 'tblctl/test', run: writer, job: writer, now: () => new Date() },
  )
  outcomes.push(outcome.is)
}
parentPort!.postMessage(outcomes)
