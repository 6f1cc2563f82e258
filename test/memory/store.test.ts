/** A store whose disk is full: told as that, and nothing of the step is there. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { errorView } from '../../src/core/errors.ts'
import { MemoryStore } from '../../src/drivers/memory/store.ts'

test('a full disk is no bug of ours, and what it broke is taken back', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tblctl-store-'))
  const store = new MemoryStore(join(folder, 'store.db'))
  onTestFinished(() => {
    store.close()
    rmSync(folder, { recursive: true })
  })
  // SQLite's own limit gives the same error as a disk that is full.
  store.get('pragma max_page_count = 20')
  const fill = () =>
    store.write('test', () => {
      store.run("insert into tables (path, schema, generation, job) values ('a', '', 1, '')")
      store.run("insert into tables (path, schema, generation, job) values ('b', zeroblob(1000000), 1, '')")
    })
  let thrown: unknown
  try {
    fill()
  } catch (error) {
    thrown = error
  }
  expect(errorView(thrown)).toMatchObject({
    ...{ kind: 'failed', code: 'store-failed', retry: 'resume' },
    message: expect.stringContaining('the disk is full'),
  })
  expect(store.all('select path from tables')).toEqual([])
  store.write('test', () => store.run("insert into tables (path, schema, generation, job) values ('c', '', 1, '')"))
  expect(store.all('select path from tables')).toHaveLength(1)
})
