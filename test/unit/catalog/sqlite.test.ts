import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Database } from '../../../src/catalog/sqlite/database.ts'
import { migrate } from '../../../src/catalog/sqlite/migrations.ts'
import { openSqliteCatalog } from '../../../src/catalog/sqlite.ts'
import { catalogContract, newJob } from '../../contract/catalog.ts'

catalogContract('sqlite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tblctl-catalog-'))
  return {
    open: async () => openSqliteCatalog(join(folder, 'deep/catalog.db')),
    drop: async () => rmSync(folder, { recursive: true }),
  }
})

describe('the file', () => {
  let folder: string
  let file: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tblctl-catalog-'))
    file = join(folder, 'catalog.db')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test('written by a newer program: refused as config, left as it is', () => {
    const db = new Database(file)
    migrate(db)
    db.exec('pragma user_version = 99')
    db.close()
    expect(() => openSqliteCatalog(file)).toThrow(
      expect.objectContaining({
        view: expect.objectContaining({ kind: 'config', code: 'newer-catalog', where: file }),
      }),
    )
  })

  test('of another program: refused, left as it is', () => {
    const db = new Database(file)
    db.exec('create table mine (x)')
    db.close()
    expect(() => openSqliteCatalog(file)).toThrow(
      expect.objectContaining({ view: expect.objectContaining({ code: 'foreign-catalog' }) }),
    )
    const again = new Database(file)
    expect(again.all('select name from sqlite_master').map((row) => row.name)).toEqual(['mine'])
    again.close()
  })

  test('no SQLite file at all: says so', () => {
    writeFileSync(file, 'x'.repeat(5000))
    expect(() => openSqliteCatalog(file)).toThrow(
      expect.objectContaining({ view: expect.objectContaining({ code: 'catalog-corrupt' }) }),
    )
  })

  test('an older catalog is copied before it is brought up to date', async () => {
    const first = openSqliteCatalog(file)
    await first.begin(newJob('j1', 'lake/a/t'), 'h/1/0/x', 1000)
    await first[Symbol.asyncDispose]()
    const db = new Database(file)
    db.exec('pragma user_version = 1')
    migrate(db, 2)
    db.close()
    const backups = readdirSync(folder).filter((name) => name.endsWith('.backup'))
    expect(backups).toEqual(['catalog.db.v1.backup'])
    const copy = join(folder, 'copy.db')
    copyFileSync(join(folder, backups[0]!), copy)
    const restored = openSqliteCatalog(copy)
    expect((await restored.job('j1'))?.path).toBe('lake/a/t')
    await restored[Symbol.asyncDispose]()
  })

  test('a folder that cannot be made is told by name', () => {
    writeFileSync(join(folder, 'plain'), '')
    expect(() => openSqliteCatalog(join(folder, 'plain/x/catalog.db'))).toThrow(
      expect.objectContaining({ view: expect.objectContaining({ kind: 'denied' }) }),
    )
    expect(existsSync(join(folder, 'plain/x'))).toBe(false)
  })
})
