import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { writeAheadLog } from '../../../src/core/write-ahead-log.ts'

const module = new URL('../../../src/core/write-ahead-log.ts', import.meta.url).href

/** Opens every file of `folder` in the same instant as the other threads. */
const opener = `
  const { workerData, parentPort } = require('node:worker_threads')
  const { DatabaseSync } = require('node:sqlite')
  import(workerData.module).then(({ writeAheadLog }) => {
    const arrived = new Int32Array(workerData.arrived)
    for (let i = 0; i < arrived.length; i++) {
      Atomics.add(arrived, i, 1)
      while (Atomics.load(arrived, i) < workerData.threads);
      const db = new DatabaseSync(workerData.folder + '/' + i, { timeout: 10000 })
      writeAheadLog(db)
      db.exec('begin immediate; create table if not exists t (a); insert into t values (1); commit')
      db.close()
    }
  }).then(() => parentPort.postMessage('done'))`

it('is taken by several that open one new file in the same instant', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tblctl-wal-'))
  const threads = 3
  const arrived = new SharedArrayBuffer(4 * 100)
  try {
    await Promise.all(
      Array.from(
        { length: threads },
        () =>
          new Promise((resolve, reject) => {
            const worker = new Worker(opener, { eval: true, workerData: { module, folder, arrived, threads } })
            worker.on('message', resolve)
            worker.on('error', reject)
          }),
      ),
    )
    for (const i of [0, 50, 99]) {
      const db = new DatabaseSync(join(folder, String(i)))
      expect(db.prepare('select count(*) as n from t').get()).toEqual({ n: threads })
      expect(db.prepare('pragma journal_mode').get()).toEqual({ journal_mode: 'wal' })
      db.close()
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

it('passes on what is no lock', () => {
  const broken = {
    exec: () => {
      throw Object.assign(new Error('disk I/O error'), { errcode: 10 })
    },
  }
  expect(() => writeAheadLog(broken)).toThrow('disk I/O error')
})
