/** A folder with a config, a catalog and a table of 5,000 rows in 20 segments, and ways to look at it from outside. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, expect } from 'vitest'
import { openSqliteCatalog } from '../../src/catalog/sqlite.ts'
import type { Job } from '../../src/core/catalog.ts'
import { MemoryStore } from '../../src/drivers/memory/store.ts'
import type { Topology } from '../../src/drivers/memory/table.ts'
import { finish, newJob, spec } from '../contract/catalog.ts'
import { type Ended, type Started, startChild } from '../support/child.ts'

const program = fileURLToPath(new URL('./program.ts', import.meta.url))
const users = 'shop/default/users'
const segments = 20
export const rows = 5000

let template: string | undefined
afterAll(() => {
  if (template) rmSync(template, { recursive: true })
})

export class World implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'tblctl-world-'))
  private constructor() {
    cpSync(template!, this.folder, { recursive: true })
  }
  static async make(): Promise<World> {
    template ??= await makeTemplate()
    return new World()
  }
  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  start(line: string, env: Record<string, string> = {}): Started {
    return startChild(program, line.split(' '), { cwd: this.folder, env })
  }
  run(line: string, env: Record<string, string> = {}): Promise<Ended> {
    return this.start(line, env).ended
  }
  /** The newest job. */
  async job(): Promise<Job | undefined> {
    await using catalog = openSqliteCatalog(join(this.folder, '.tblctl/catalog.db'))
    for await (const job of catalog.jobs({ limit: 1 })) return job.id === 'template' ? undefined : job
    return undefined
  }
  async jobs(): Promise<Job[]> {
    await using catalog = openSqliteCatalog(join(this.folder, '.tblctl/catalog.db'))
    const all: Job[] = []
    for await (const job of catalog.jobs()) all.push(job)
    return all
  }
  async topology(): Promise<Topology> {
    await using catalog = openSqliteCatalog(join(this.folder, '.tblctl/catalog.db'))
    return (
      ((await catalog.records('shop').get(`topology/${users}`))?.value as unknown as Topology) ?? {
        epoch: 1,
        generation: 1,
        shards: 1,
        previous: null,
      }
    )
  }
  sql(file: string, text: string, ...values: (string | number)[]): Record<string, any>[] {
    const db = new DatabaseSync(join(this.folder, file), { timeout: 5000 })
    try {
      return db.prepare(text).all(...values)
    } finally {
      db.close()
    }
  }
  /** Every row once, in as many shards as wanted, after as many flips as wanted, and loads go where reads are. */
  async expectWhole(epoch: number, shards: number): Promise<void> {
    const topology = await this.topology()
    expect(topology).toMatchObject({ epoch, shards })
    const found = this.sql(
      'shop.db',
      'select sum(rows) as rows, count(*) as segments, count(distinct data) as different, max(shard) as last from segments where path = ? and generation = ?',
      users,
      topology.generation,
    )[0]!
    expect(found).toMatchObject({ rows, segments, different: segments })
    expect(found.last).toBeLessThan(shards)
    expect(this.sql('shop.db', 'select generation, sealed from tables')[0]).toEqual({
      generation: topology.generation,
      sealed: 0,
    })
  }
}

async function makeTemplate(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tblctl-template-'))
  const backends = ['shop', 'ch', 'people', 'lake'].map((name) => `  ${name}: { driver: memory, file: ${name}.db }`)
  writeFileSync(join(folder, 'tblctl.yaml'), `version: 1\nbackends:\n${backends.join('\n')}\n`)
  const store = new MemoryStore(join(folder, 'shop.db'))
  store.run(
    'insert into tables (path, schema, generation, shards, job) values (?, ?, 1, 4, ?)',
    users,
    JSON.stringify({ name: 'users', version: 1, fields: [] }),
    'template',
  )
  for (let i = 0; i < segments; i++)
    store.run(
      'insert into segments (path, generation, shard, hot, rows, bytes, data) values (?, 1, ?, 1, ?, 1, ?)',
      users,
      i % 4,
      rows / segments,
      Buffer.from(`segment ${i}`),
    )
  store.close()
  await using catalog = openSqliteCatalog(join(folder, '.tblctl/catalog.db'))
  const lease = await catalog.begin(newJob('template', users, { verb: 'create' }), 'h/1/0/x', 5000)
  if (lease.is === 'held')
    await catalog.commit('template', lease.fence, {
      namespace: 'shop',
      records: [{ key: `topology/${users}`, value: { epoch: 1, generation: 1, shards: 4, previous: null } }],
      finish: finish('done', { tables: [{ put: users, spec, state: 'active' }] }),
    })
  return folder
}

export async function until(what: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const end = Date.now() + ms
  while (!(await what())) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms for: ${what}`)
    await sleep(20)
  }
}
