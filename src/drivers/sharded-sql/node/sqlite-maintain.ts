/** VACUUM and ANALYZE of a SQLite shard, in a thread of their own: they block for as long as the file is large. */
import { Worker } from 'node:worker_threads'
import { inSqlite } from './sqlite-file.ts'

const program = `
const { parentPort, workerData } = require('node:worker_threads')
const { DatabaseSync } = require('node:sqlite')
try {
  const db = new DatabaseSync(workerData, { timeout: 30000 })
  db.exec('vacuum; analyze; pragma wal_checkpoint(truncate)')
  db.close()
  parentPort.postMessage(null)
} catch (error) {
  parentPort.postMessage({ message: error.message, errcode: error.errcode })
}`

export async function maintain(node: string, file: string): Promise<void> {
  const worker = new Worker(program, { eval: true, workerData: file, execArgv: [] })
  const { promise, resolve, reject } = Promise.withResolvers<{ message: string; errcode: number } | null>()
  worker.once('message', resolve)
  worker.once('error', reject)
  const failed = await promise
  await worker.terminate()
  if (failed)
    inSqlite(node, () => {
      throw Object.assign(new Error(failed.message), { errcode: failed.errcode })
    })
}
