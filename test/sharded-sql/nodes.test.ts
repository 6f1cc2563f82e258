/** Over both engines: what is refused, what happens when a node is away, when two load at once, and when a process dies between two nodes. */
import { existsSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, describe, expect, test } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import { services } from '../../src/cli/wiring.ts'
import { load } from '../contract/driver/calls.ts'
import { rowsOf } from '../contract/driver/world.ts'
import { killEverywhere } from '../faults/harness.ts'
import { startPostgres } from '../servers/postgres.ts'
import { runChild } from '../support/child.ts'
import { runCli } from '../support/run-cli.ts'
import { column, create, drop, makeWorld, type ShopWorld, table } from './world.ts'

const server = await startPostgres()
const admin = new pg.Client({ connectionString: server.url('postgres') })
admin.on('error', () => {})
await admin.connect()
afterAll(async () => {
  await admin.end()
  await server[Symbol.asyncDispose]()
})

const users = table(['id INTEGER not null', 'name TEXT not null'])
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `${JSON.stringify({ id: from + i, name: `n${from + i}` })}\n`).join('')

let database = 0
async function withShop(work: (world: ShopWorld, tblctl: Tblctl) => Promise<void>): Promise<void> {
  const name = `shop_${++database}`
  await admin.query(`CREATE DATABASE ${name}`)
  using world = makeWorld(`n1: "sqlite:n1", n2: "${server.url(name)}"`)
  await using tblctl = await world.open()
  await work(world, tblctl)
}
const countOf = async (tblctl: Tblctl, ref: string) =>
  Number((await rowsOf(tblctl, ref, 'select count(*) from t'))[0]![0])

test('the commands of the page: load, query by key, stats, and a key that is taken', () =>
  withShop(async (world, tblctl) => {
    await create(tblctl, 'shop:users', users)
    world.write('users.ndjson', lines(0, 100))
    expect((await load(tblctl, world.folder, 'shop:users', ['users.ndjson'])).summary.changed).toBe(1)
    const logged: unknown[] = []
    await using watched = await world.open({ reporter: { log: (_level, message) => void logged.push(message) } })
    expect(await rowsOf(watched, 'shop:users', 'select * from t where id = 42')).toEqual([[42n, 'n42']])
    expect(logged).toContain('shop:default/users: reads 1 of 4 shards')
    const [stats] = await tblctl.stats({ refs: ['shop:users'] }, true)
    expect(stats!.status).toMatchObject({ rows: 100, bytes: expect.any(Number) })
    expect(stats!.status.shards).toEqual(
      [0, 1, 2, 3].map((id) => ({
        id,
        node: id % 2 ? 'n2' : 'n1',
        rows: expect.any(Number),
        bytes: expect.any(Number),
        status: 'active',
      })),
    )
    // Rows that are new on one node and taken on the other: nothing of them stays.
    for (const id of [3, 4, 5, 6, 7, 8]) {
      world.write('more.ndjson', lines(1000, 1050) + lines(id, id + 1))
      const [item] = (await load(tblctl, world.folder, 'shop:users', ['more.ndjson'])).items
      expect(item).toMatchObject({ status: 'failed', error: { kind: 'data', code: 'duplicate-key' } })
      expect(item!.error!.message).toContain(`id=${id}`)
      expect(await countOf(tblctl, 'shop:users')).toBe(100)
    }
  }))

test('two that load at once into the same shards', () =>
  withShop(async (world, tblctl) => {
    await create(tblctl, 'shop:users', users)
    world.write('a.ndjson', lines(0, 3000))
    world.write('b.ndjson', lines(3000, 6000))
    await using other = await world.open()
    const both = await Promise.all([
      load(tblctl, world.folder, 'shop:users', ['a.ndjson'], { commitRows: 500 }),
      load(other, world.folder, 'shop:users', ['b.ndjson'], { commitRows: 700 }),
    ])
    expect(both.map(({ summary }) => summary.changed)).toEqual([1, 1])
    expect(await rowsOf(tblctl, 'shop:users', 'select count(*), count(distinct id), max(id) from t')).toEqual([
      [6000n, 6000n, 5999n],
    ])
  }))

test('SQL types keep what was written: UUIDs, lengths, ranges; and what does not fit changes nothing', () =>
  withShop(async (world, tblctl) => {
    const columns = [
      'id UUID not null',
      'short VARCHAR(3)',
      'tiny TINYINT',
      'when DATE',
      'bin BYTEA',
      'flag BOOL',
      'f REAL',
    ]
    expect((await create(tblctl, 'shop:typed', table(columns), { shards: 6 })).summary.changed).toBe(1)
    const row = (n: number, more: object = {}) =>
      `${JSON.stringify({ id: `A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A${10 + n}`, short: 'üöä', tiny: -5, when: '0044-03-15', bin: 'AP8=', flag: true, f: 0.1, ...more })}\n`
    world.write('rows.ndjson', Array.from({ length: 12 }, (_, n) => row(n)).join(''))
    expect((await load(tblctl, world.folder, 'shop:typed', ['rows.ndjson'])).summary.changed).toBe(1)
    const found = await rowsOf(tblctl, 'shop:typed', 'select * from t order by id')
    expect(found[0]).toEqual([
      'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a10',
      'üöä',
      -5,
      -703_383,
      new Uint8Array([0, 255]),
      true,
      0.1,
    ])
    for (let n = 20; n < 32; n++) {
      world.write('bad.ndjson', row(n, { short: 'four' }))
      const [item] = (await load(tblctl, world.folder, 'shop:typed', ['bad.ndjson'])).items
      expect(item!.error).toMatchObject({ kind: 'data', code: 'row-rejected' })
      world.write('bad.ndjson', row(n, { short: 'a\u0000b' }))
      const [nul] = (await load(tblctl, world.folder, 'shop:typed', ['bad.ndjson'])).items
      expect(nul!.error).toMatchObject({ kind: 'data', code: 'row-rejected' })
    }
    expect(await countOf(tblctl, 'shop:typed')).toBe(12)
  }))

test('hostile and equal names in two projects never cross', () =>
  withShop(async (world, tblctl) => {
    const long = 'T'.repeat(128)
    const refs = [
      'shop:a_b/c',
      'shop:a/b_c',
      'shop:a/users',
      'shop:A/users',
      'shop:a/Users',
      `shop:a/${long}`,
      `shop:a/${long.slice(1)}t`,
    ]
    const hostile = {
      ...users,
      columns: [
        column('id INTEGER not null'),
        { name: `a"b'c; drop table t --\\`, type: 'TEXT', nullable: true, default: null },
      ],
    }
    for (const ref of refs) expect((await create(tblctl, ref, hostile, { shards: 2 })).summary.changed, ref).toBe(1)
    for (const [i, ref] of refs.entries()) {
      world.write(
        'row.ndjson',
        `${JSON.stringify({ id: i, [hostile.columns[1]!.name]: `'); drop table t; --\\t\\N` })}\n`,
      )
      expect((await load(tblctl, world.folder, ref, ['row.ndjson'])).summary.failed).toBe(0)
    }
    expect((await drop(tblctl, refs[2]!)).summary.changed).toBe(1)
    for (const [i, ref] of refs.entries())
      if (i !== 2)
        expect(await rowsOf(tblctl, ref, 'select * from t')).toEqual([[BigInt(i), `'); drop table t; --\\t\\N`]])
    const live = await tblctl.list({ refs: [] }, true)
    expect(live.items.map(({ live: state }) => state)).toEqual(refs.slice(1).map(() => 'present'))
  }))

describe('refused by name', () => {
  test.each([
    [{ ...users, primaryKey: [] }, {}, 'PRIMARY KEY'],
    [{ ...users, unique: [['name']] }, {}, 'UNIQUE (name)'],
    [{ ...users, columns: [...users.columns, { ...column('x TEXT'), default: "'new'" }] }, {}, 'DEFAULT'],
    [table(['id INTEGER not null', '_vs INTEGER']), {}, '_vs'],
    [table(['id INTEGER not null', 'ID TEXT']), {}, 'case'],
    [table(['id JSON not null']), {}, 'Json'],
    [table(['id REAL not null']), {}, 'Float64'],
    [table(['id GEOMETRY not null']), {}, 'GEOMETRY'],
    [table(['id NUMERIC not null']), {}, 'NUMERIC'],
    [users, { shards: 257 }, 'Invalid SHARDS value: 257. Must be between 1 and 256.'],
    [users, { shards: 0 }, 'Invalid SHARDS value: 0'],
    [users, { shardKey: 'name' }, '"name"'],
    [users, { shardz: 2 }, 'shardz'],
    [{ ...users, kind: 'user' as const }, {}, 'user'],
  ])('%#', async (definition, settings, told) => {
    using world = makeWorld('n1: "sqlite:n1"')
    await using tblctl = await world.open()
    const [item] = (await create(tblctl, 'shop:x', definition, settings)).items
    expect(item!.error?.message).toContain(told)
    expect(existsSync(join(world.folder, 'n1'))).toBe(false)
  })

  test('UNIQUE that holds the shard key is kept', async () => {
    using world = makeWorld('n1: "sqlite:n1"')
    await using tblctl = await world.open()
    const definition = { ...table(['id INTEGER not null', 'a TEXT', 'b TEXT'], ['id', 'a']), unique: [['id', 'b']] }
    expect((await create(tblctl, 'shop:x', definition)).summary.changed).toBe(1)
    world.write('rows.ndjson', '{"id":1,"a":"x","b":"same"}\n{"id":1,"a":"y","b":"same"}\n')
    const [item] = (await load(tblctl, world.folder, 'shop:x', ['rows.ndjson'])).items
    expect(item!.error).toMatchObject({ kind: 'data', code: 'duplicate-key' })
  })

  test('a password in the config, and a node that has no name', async () => {
    for (const nodes of [
      'n1: "postgres://u:secret@h/db"',
      'n1: { url: "postgres://u@h/db?password=secret" }',
      '"N 1": "sqlite:x"',
      '',
    ]) {
      using world = makeWorld(nodes)
      const { code, stderr } = await runCli(['stats', 'shop:x'], {
        services,
        cwd: world.folder,
        env: { HOME: world.folder },
      })
      expect(code).toBe(78)
      expect(stderr).not.toContain('secret')
    }
  })
})

describe('a node that is away', () => {
  test('its shards have no figures, the totals are not known, and the command says so by its code', () =>
    withShop(async (world, tblctl) => {
      await create(tblctl, 'shop:users', users)
      world.write('users.ndjson', lines(0, 100))
      await load(tblctl, world.folder, 'shop:users', ['users.ndjson'])
      world.configure('n1: "sqlite:n1", n2: "postgres://postgres@127.0.0.1:9/none"')
      const { code, stdout } = await runCli(['stats', 'shop:users', '-o', 'json'], {
        services,
        cwd: world.folder,
        env: { HOME: world.folder },
      })
      const { status, unknown } = JSON.parse(stdout)
      expect(code).toBe(1)
      expect(status).toMatchObject({ rows: null, bytes: null })
      expect(unknown.rows).toMatch(/2 of 4 shards could not be counted: node n2 cannot be reached/)
      expect(
        status.shards.map((shard: { status: string; rows: number | null }) => [shard.status, shard.rows === null]),
      ).toEqual([
        ['active', false],
        ['unreachable', true],
        ['active', false],
        ['unreachable', true],
      ])
      await using away = await world.open()
      for (const report of [
        await drop(away, 'shop:users'),
        await create(away, 'shop:other', users),
        await away.operate('optimize', { refs: ['shop:users'] }, { targetSize: null }),
      ])
        expect(report.items[0]!.error).toMatchObject({ kind: 'unreachable', code: 'node-unreachable', retry: 'later' })
      const checks = await Array.fromAsync(away.doctor())
      expect(checks.filter(({ ok }) => !ok).map(({ check }) => check)).toEqual(['node n2', 'topologies'])
      const live = await away.list({ refs: [] }, true)
      expect(live.items.map(({ ref }) => ref)).toContain('shop:default/users')
      expect(live.errors).toMatchObject([{ backend: 'shop', error: { kind: 'unreachable' } }])
    }))

  test('a shard that is gone is told as missing', async () => {
    using world = makeWorld('n1: "sqlite:n1"')
    await using tblctl = await world.open()
    await create(tblctl, 'shop:users', users, { shards: 2 })
    const [file] = readdirSync(join(world.folder, 'n1')).filter((name) => name.endsWith('_s01.db'))
    renameSync(join(world.folder, 'n1', file!), join(world.folder, 'away.db'))
    const [stats] = await tblctl.stats({ refs: ['shop:users'] }, true)
    expect(stats!.status).toMatchObject({
      rows: null,
      shards: [{ status: 'active' }, { status: 'missing', rows: null }],
    })
    await expect(rowsOf(tblctl, 'shop:users', 'select * from t')).rejects.toMatchObject({
      view: { code: 'shard-missing' },
    })
  })
})

describe('a node that refuses', () => {
  test('a server role without rights: told by doctor, denied by create, and a password that is a reference', async () => {
    await admin.query('CREATE ROLE weak LOGIN')
    await admin.query('CREATE DATABASE guarded')
    await admin.query('REVOKE ALL ON DATABASE guarded FROM public')
    await admin.query('GRANT CONNECT ON DATABASE guarded TO weak')
    const url = server.url('guarded').replace('postgres@', 'weak@')
    using world = makeWorld(`n1: { url: "${url}", password: "file:./password", schema: own }`)
    world.write('password', 'any')
    await using tblctl = await world.open()
    const failed = (await Array.fromAsync(tblctl.doctor())).filter(({ ok }) => !ok)
    expect(failed).toMatchObject([
      {
        check: 'node n1 rights',
        detail: 'the user lacks CREATE for schema own and TEMPORARY',
        fix: expect.any(String),
      },
    ])
    const [item] = (await create(tblctl, 'shop:users', users)).items
    expect(item!.error).toMatchObject({ kind: 'denied', code: 'node-denied', where: 'n1' })
    world.configure(`n1: "${server.url('no_such_database')}"`)
    await using other = await world.open()
    const [away] = (await create(other, 'shop:users', users)).items
    expect(away!.error).toMatchObject({ kind: 'unreachable', code: 'node-unreachable' })
  })

  test('a damaged file, one of another table, and a node that the config lost', async () => {
    using world = makeWorld('n1: "sqlite:n1", n2: "sqlite:n2"')
    await using tblctl = await world.open()
    await create(tblctl, 'shop:users', users, { shards: 2 })
    const [file] = readdirSync(join(world.folder, 'n2')).filter((name) => name.endsWith('_s01.db'))
    world.write(`n2/${file}`, 'this is no database, but it is long enough to be taken for the header of one'.repeat(99))
    const [stats] = await tblctl.stats({ refs: ['shop:users'] }, true)
    expect(stats!.status).toMatchObject({
      rows: null,
      shards: [{ status: 'active' }, { status: 'failed', rows: null }],
    })
    await expect(rowsOf(tblctl, 'shop:users', 'select * from t')).rejects.toMatchObject({
      view: { kind: 'data', code: 'corrupt-shard', where: 'n2' },
    })
    world.configure('n1: "sqlite:n1"')
    await using less = await world.open()
    await expect(rowsOf(less, 'shop:users', 'select * from t')).rejects.toMatchObject({
      view: { kind: 'config', code: 'unknown-node' },
    })
  })

  test('what is left of a table whose topology was lost is never taken over', async () => {
    using world = makeWorld('n1: "sqlite:n1"')
    {
      await using tblctl = await world.open()
      await create(tblctl, 'shop:users', users, { shards: 2 })
    }
    renameSync(join(world.folder, '.tblctl'), join(world.folder, 'lost'))
    renameSync(join(world.folder, 'n1/topology.db'), join(world.folder, 'lost.db'))
    await using fresh = await world.open()
    const before = readdirSync(join(world.folder, 'n1')).filter((name) => name.startsWith('t_') && name.endsWith('.db'))
    expect((await create(fresh, 'shop:users', users, { shards: 2 })).summary.changed).toBe(1)
    expect((await drop(fresh, 'shop:users')).summary.changed).toBe(1)
    const after = readdirSync(join(world.folder, 'n1')).filter((name) => name.startsWith('t_') && name.endsWith('.db'))
    expect(after).toEqual(before)
  })
})

test('a lost catalog is filled again from the nodes; a copy that differs is found by doctor', () =>
  withShop(async (world, tblctl) => {
    await create(tblctl, 'shop:users', users)
    world.write('users.ndjson', lines(0, 10))
    await load(tblctl, world.folder, 'shop:users', ['users.ndjson'])
    await tblctl[Symbol.asyncDispose]()
    renameSync(join(world.folder, '.tblctl'), join(world.folder, 'lost'))
    await using fresh = await world.open()
    expect((await fresh.list({ refs: [] }, true)).items).toMatchObject([
      { ref: 'shop:default/users', live: 'unregistered' },
    ])
    expect((await fresh.provision('register', ['shop:users'], { location: null, labels: {} })).summary.changed).toBe(1)
    expect(await countOf(fresh, 'shop:users')).toBe(10)
    expect((await Array.fromAsync(fresh.doctor())).every(({ ok }) => ok)).toBe(true)
    const client = new pg.Client({ connectionString: server.url(`shop_${database}`) })
    await client.connect()
    await client.query('DELETE FROM tblctl.tblctl_topology')
    await client.end()
    const bad = (await Array.fromAsync(fresh.doctor())).filter(({ ok }) => !ok)
    expect(bad).toMatchObject([{ check: 'topologies', detail: expect.stringContaining('default/users on n2') }])
    await fresh.operate('unregister', { refs: ['shop:users'] }, {})
    await fresh.provision('register', ['shop:users'], { location: null, labels: {} })
    expect((await Array.fromAsync(fresh.doctor())).every(({ ok }) => ok)).toBe(true)
  }))

test('drop, killed at every durable step: the same command ends it, and nothing is left', {
  timeout: 180_000,
}, async () => {
  const program = fileURLToPath(new URL('./program.ts', import.meta.url))
  const name = 'shop_drop'
  const left = async (): Promise<number> => {
    const client = new pg.Client({ connectionString: server.url(name) })
    await client.connect()
    const { rows } = await client.query(
      `SELECT (SELECT count(*) FROM pg_tables WHERE tablename LIKE 't\\_%') + (SELECT count(*) FROM tblctl.tblctl_topology) + (SELECT count(*) FROM tblctl.tblctl_marks) AS n`,
    )
    await client.end()
    return Number(rows[0].n)
  }
  await killEverywhere(
    {
      setUp: async () => {
        await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
        await admin.query(`CREATE DATABASE ${name}`)
        const world = makeWorld(`n1: "sqlite:n1", n2: "${server.url(name)}"`)
        await using tblctl = await world.open()
        await create(tblctl, 'shop:users', users, { shards: 3 })
        return world
      },
      command: (world, env) => runChild(program, ['shop:users'], { cwd: world.folder, env }),
      oracle: async (world) => {
        await using tblctl = await world.open()
        const { items, errors } = await tblctl.list({ refs: [] }, true)
        const files = readdirSync(join(world.folder, 'n1')).filter((file) => file.startsWith('t_'))
        return {
          items,
          errors,
          files,
          left: await left(),
          again: (await create(tblctl, 'shop:users', users)).summary.changed,
        }
      },
      every: 4,
    },
    5,
  )
})
