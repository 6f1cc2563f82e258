import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { config, metric, openWorld, shape, stable, unaligned, type World } from './world.ts'

const golden = (name: string) => fileURLToPath(new URL(`./golden/${name}`, import.meta.url))

let world: World
beforeAll(async () => {
  world = await openWorld()
  await world.ok('create', 'lake:acme/metrics', 'mem:acme/metrics', '--schema', 'metrics', '--label', 'tier=hot')
  await world.ok('create', 'mem:globex/events', '--schema', 'events')
  await world.write('a.ndjson', metric(1) + metric(2))
  await world.ok('load', 'lake:acme/metrics', 'a.ndjson')
  await world.ok('load', 'mem:acme/metrics', 'a.ndjson')
})
afterAll(() => world[Symbol.asyncDispose]())
const output = async (...argv: string[]) => stable((await world.ok(...argv)).stdout, world)

describe('list', () => {
  it('prints the catalog', async () => {
    await expect(await output('list')).toMatchFileSnapshot(golden('list.txt'))
    await expect(await output('list', '-o', 'wide')).toMatchFileSnapshot(golden('list-wide.txt'))
    await expect(unaligned(await output('list', '--live'))).toMatchFileSnapshot(golden('list-live.txt'))
    expect(await output('ls', '-o', 'name')).toBe('lake:acme/metrics\nmem:acme/metrics\nmem:globex/events\n')
    expect(await output('list', '-o', 'csv', '--columns', 'ref,labels')).toBe(
      'ref,labels\nlake:acme/metrics,tier=hot\nmem:acme/metrics,tier=hot\nmem:globex/events,\n',
    )
  })

  it('has stable names', async () => {
    const names = [...shape(await world.json('list')), '', '--live', ...shape(await world.json('list', '--live'))]
    await expect(`${[...new Set(names)].join('\n')}\n`).toMatchFileSnapshot(golden('list-names.txt'))
  })

  it.each<[string[], string[]]>([
    [['lake:acme/metrics'], ['lake:acme/metrics']],
    [['*:*/metrics'], ['lake:acme/metrics', 'mem:acme/metrics']],
    [['mem:globex/'], ['mem:globex/events']],
    [['--project', 'acme', '--backend', 'mem'], ['mem:acme/metrics']],
    [['-l', 'tier=hot', '--backend', 'lake'], ['lake:acme/metrics']],
    [
      ['--all', '--sort-by', 'ref:desc'],
      ['mem:globex/events', 'mem:acme/metrics', 'lake:acme/metrics'],
    ],
  ])('chooses by %j', async (argv, refs) => {
    expect((await world.ok('list', '-o', 'name', ...argv)).stdout.trim().split('\n')).toEqual(refs)
  })

  it('says on stderr when there is nothing, and prints an empty list', async () => {
    await using empty = await openWorld()
    expect(await empty.cli(['list'])).toEqual({
      code: 0,
      stdout: '',
      stderr: 'no tables; tblctl create makes one, tblctl register adopts one\n',
      exits: [],
    })
    expect(await empty.json('list')).toEqual({ apiVersion: 'tblctl/v1', kind: 'TableList', items: [] })
  })

  it('marks what is missing and what is not registered', async () => {
    await using other = await openWorld()
    await other.ok('create', 'mem:a/kept', 'mem:a/lost', 'lake:a/gone', '--schema', 'metrics')
    await other.ok('unregister', 'mem:a/lost')
    const { rm } = await import('node:fs/promises')
    await rm(`${other.folder}/lake`, { recursive: true })
    const { items } = await other.json('list', '--live')
    expect(items.map((item: { ref: string; live: string }) => [item.ref, item.live])).toEqual([
      ['lake:a/gone', 'missing'],
      ['mem:a/kept', 'present'],
      ['mem:a/lost', 'unregistered'],
    ])
    expect((await other.ok('list', '--live', '--columns', 'status', '--no-headers')).stdout).toBe(
      'missing\npresent\nunregistered\n',
    )
  })

  it('refuses columns that only the backends know', async () => {
    for (const flags of [
      ['--columns', 'ref,rows'],
      ['--sort-by', 'bytes'],
    ])
      expect(await world.cli(['list', ...flags])).toMatchObject({
        code: 64,
        stderr: expect.stringContaining('add --live'),
      })
  })

  it('lists what it cannot ask about, says why, and names every root that fails once', async () => {
    await using other = await openWorld()
    const projects = (lines: string) =>
      other.write('tblctl.yaml', config.replace('"file:./lake" }', `"file:./lake", projects: { ${lines} } }`))
    await projects('one: { url: "file:./one" }, two: { url: "file:./two" }')
    await other.ok('create', 'lake:a/t', 'lake:one/t', 'lake:one/u', 'lake:two/t', 'mem:a/t', '--schema', 'metrics')
    const { rm, symlink } = await import('node:fs/promises')
    // A link to itself: nobody can list that, whoever runs the test.
    for (const root of ['one', 'two']) {
      await rm(`${other.folder}/${root}`, { recursive: true })
      await symlink(root, `${other.folder}/${root}`)
    }
    const result = await other.cli(['list', '--live', '-o', 'json'])
    expect(result.code).not.toBe(0)
    const { items, errors } = JSON.parse(result.stdout)
    expect(items.map((item: any) => [item.ref, item.live, typeof item.unknown])).toEqual([
      ['lake:a/t', 'present', 'undefined'],
      ['lake:one/t', null, 'string'],
      ['lake:one/u', null, 'string'],
      ['lake:two/t', null, 'string'],
      ['mem:a/t', 'present', 'undefined'],
    ])
    expect(errors).toHaveLength(2)
    for (const root of ['one', 'two'])
      expect(errors.filter((one: any) => JSON.stringify(one).includes(`/${root}`))).toHaveLength(1)
    await other.write('tblctl.yaml', config.replace(/^ {2}mem.*\n/m, ''))
    expect((await other.json('list', '--live', '--project', 'a')).items).toMatchObject([
      { ref: 'lake:a/t', live: 'present' },
      { ref: 'mem:a/t', live: null, unknown: 'its backend is not in tblctl.yaml' },
    ])
  })

  it('prints what it knows when a backend fails, and exits with its code', async () => {
    const error = { code: 'no-answer', kind: 'unreachable', message: 'the store does not answer', retry: 'later' }
    const item = {
      ref: 'mem:a/t',
      driver: null,
      schema: null,
      labels: {},
      createdAt: null,
      live: 'present',
      facts: { lag: 7 },
    }
    const services = {
      open: async () => ({
        list: async () => ({ kind: 'TableList', items: [item], errors: [{ backend: 'lake', error }] }),
        [Symbol.asyncDispose]: async () => {},
      }),
      names: async () => [],
    }
    const result = await world.cli(['list', '--live', '-o', 'json'], { services })
    expect(result).toMatchObject({ code: 69, stderr: 'warning: backend lake: the store does not answer\n' })
    expect(JSON.parse(result.stdout)).toMatchObject({ items: [item], errors: [{ backend: 'lake', error }] })
    const wide = (await world.cli(['list', '--live', '-o', 'wide'], { services })).stdout
    expect(wide).toContain('? (its backend is not in tblctl.yaml)')
    expect(wide).toContain('lag 7')
  })
})

describe('describe', () => {
  it('shows spec, status, columns and what only the driver knows', async () => {
    await expect(await output('describe', 'lake:acme/metrics')).toMatchFileSnapshot(golden('describe-delta.txt'))
    await expect(await output('describe', 'mem:acme/metrics')).toMatchFileSnapshot(golden('describe-memory.txt'))
  })

  it('has stable names', async () => {
    const table = await world.json('describe', 'mem:acme/metrics')
    await expect(`${shape(table).join('\n')}\n`).toMatchFileSnapshot(golden('describe-names.txt'))
    expect(table).toMatchObject({ kind: 'Table', ref: 'mem:acme/metrics', status: { rows: 2 } })
    expect(table.schema.fields[0]).toEqual({
      name: 'timestamp',
      type: 'Timestamp(Microsecond, Some("UTC"))',
      nullable: false,
    })
  })

  it('shows several, one after the other or as a list', async () => {
    const text = await output('describe', '*:acme/*')
    expect(text.match(/^Table +\S+/gm)!.map((line) => line.split(/ +/)[1])).toEqual([
      'lake:acme/metrics',
      'mem:acme/metrics',
    ])
    const list = await world.json('describe', '--project', 'acme')
    expect(list.kind).toBe('TableDescriptionList')
    expect(list.items.map((item: { ref: string }) => item.ref)).toEqual(['lake:acme/metrics', 'mem:acme/metrics'])
    expect((await world.ok('describe', '--project', 'acme', '-o', 'csv', '--no-input')).stdout.split('\n')[2]).toMatch(
      /^mem:acme\/metrics,memory,metrics,,19,1,1,2,\d+$/,
    )
    expect((await world.ok('describe', '--backend', 'mem', '-o', 'name')).stdout).toBe(
      'mem:acme/metrics\nmem:globex/events\n',
    )
  })

  it('shows the others when one fails', async () => {
    await using other = await openWorld()
    await other.ok('create', 'mem:a/t', 'lake:a/t', '--schema', 'metrics')
    const { rm } = await import('node:fs/promises')
    await rm(`${other.folder}/lake`, { recursive: true })
    const result = await other.cli(['describe', '--all', '-o', 'json'])
    expect(result).toMatchObject({ code: 66, stderr: expect.stringContaining('lake:a/t: ') })
    expect(JSON.parse(result.stdout)).toMatchObject({
      items: [{ ref: 'mem:a/t' }],
      errors: [{ ref: 'lake:a/t', error: { kind: 'missing' } }],
    })
  })
})

describe('stats', () => {
  it('counts', async () => {
    await expect(await output('stats', 'mem:acme/metrics')).toMatchFileSnapshot(golden('stats-memory.txt'))
    await expect(unaligned(await output('stats', '--all'))).toMatchFileSnapshot(golden('stats-all.txt'))
    const stats = await world.json('stats', 'lake:acme/metrics', '--exact')
    expect(stats).toMatchObject({
      kind: 'TableStats',
      ref: 'lake:acme/metrics',
      status: { rows: 2, source: 'exact' },
      unknown: {},
    })
    const list = await world.json('stats', '--all')
    expect(list).toMatchObject({
      kind: 'TableStatsList',
      items: [{ status: { rows: 2 } }, { status: { rows: 2 } }, { status: { rows: 0 } }],
      errors: [],
    })
    expect(await output('stats', 'mem:acme/metrics', '-o', 'csv', '--columns', 'ref,rows')).toBe(
      'ref,rows\nmem:acme/metrics,2\n',
    )
  })

  it('exits with 1 where something is not known, and says why', async () => {
    const stats = {
      kind: 'TableStats',
      ref: 'lake:a/t',
      status: { rows: null, bytes: 9_000_000 },
      unknown: { rows: '3 files have no count' },
    }
    const services = {
      open: async () => ({
        select: async () => [{ path: 'lake/a/t' }],
        stats: async () => [stats],
        [Symbol.asyncDispose]: async () => {},
      }),
      names: async () => [],
    }
    const one = await world.cli(['stats', 'lake:a/t'], { services })
    expect(one).toMatchObject({ code: 1, stderr: 'warning: rows of lake:a/t is not known: 3 files have no count\n' })
    expect(one.stdout).toMatch(/Rows +\? \(3 files have no count\)\n +Bytes +9 MB/)
    const several = await world.cli(['stats', '--all', '-o', 'wide'], { services })
    expect(several).toMatchObject({ code: 1, stdout: expect.stringContaining('? (3 files have no count)') })
    expect(JSON.parse((await world.cli(['stats', 'lake:a/t', '-o', 'json'], { services })).stdout).status.rows).toBe(
      null,
    )
  })
})
