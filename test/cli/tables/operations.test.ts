import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { absoluteLocation } from '../../../src/api/location.ts'
import { readableResult } from '../../../src/cli/tables/changes.ts'
import { metric, openWorld, shape, stable } from './world.ts'

const golden = (name: string) => fileURLToPath(new URL(`./golden/${name}`, import.meta.url))

describe('create, register, unregister', () => {
  it('make, forget and adopt', async () => {
    await using world = await openWorld()
    const created = await world.ok('create', 'lake:acme/m', 'mem:acme/m', '--schema', 'metrics')
    expect(stable(created.stdout + created.stderr, world)).toMatch(
      /^REF .*\nlake:acme\/m +changed .*\nmem:acme\/m +changed .*\n2 changed in 0ms\n$/,
    )
    expect((await world.json('create', 'lake:acme/m', '--schema', 'metrics')).summary).toMatchObject({
      unchanged: 1,
      changed: 0,
    })
    expect((await world.ok('unregister', '--backend', 'lake', '-q')).stderr).toBe('')
    expect((await world.ok('list', '-o', 'name')).stdout).toBe('mem:acme/m\n')
    await world.ok('register', 'lake:acme/m', '--label', 'a=1', '--label', 'b=2', '-y')
    expect((await world.json('describe', 'lake:acme/m')).spec).toMatchObject({
      schema: null,
      labels: { a: '1', b: '2' },
    })
  })

  it('take places that count from the working directory', async () => {
    await using world = await openWorld()
    await world.ok('create', 'lake:a/t', '--schema', 'metrics', '--location', 'elsewhere/t')
    expect((await world.json('list')).items[0].location).toBe(`file://${world.folder}/elsewhere/t`)
    await world.ok('unregister', 'lake:a/t')
    await world.ok('register', 'lake:b/u', '--location', 'file:./elsewhere/t')
    expect((await world.json('list')).items[0].location).toBe(`file://${world.folder}/elsewhere/t`)
  })

  it.each([
    ['./x', '/d/x'],
    ['/a/b', '/a/b'],
    ['file:x/y', 'file:/d/x/y'],
    ['file:/a', 'file:/a'],
    ['file:///a', 'file:///a'],
    ['s3://bucket/x', 's3://bucket/x'],
  ])('%s is %s in /d', (given, absolute) => expect(absoluteLocation(given, '/d')).toBe(absolute))

  it('say what is missing in the command', async () => {
    await using world = await openWorld()
    for (const [argv, told] of [
      [['create', 'mem:a/t'], 'create needs --schema NAME'],
      [['create', 'mem:a/t', '--schema', 'metrics', '--label', 'tier-'], 'removes a label'],
      [['create', 'mem:a/t', '--schema', 'metrics', '--label', '=x'], 'is no label'],
      [['create', 'mem:a/t', '--schema', 'metrics', '--location', ' '], '--location is empty'],
      [['create'], "missing required argument 'refs'"],
      [['unregister'], 'no table is chosen'],
      [['optimize', 'mem:a/t', '--target-size', '64'], '--target-size: "64" is no size'],
      [['label', 'mem:a/t'], 'no label is named'],
      [['reshard', 'mem:a/t'], 'reshard needs --shards N'],
      [['load', 'mem:a/t'], "missing required argument 'files'"],
    ] as const) {
      const result = await world.cli(argv)
      expect(result).toMatchObject({ code: 64, stdout: '', stderr: expect.stringContaining(told) })
    }
  })

  it('suggest a schema and a backend', async () => {
    await using world = await openWorld()
    expect(await world.cli(['create', 'mem:a/t', '--schema', 'metrcs'])).toMatchObject({
      code: 66,
      stderr: expect.stringContaining('did you mean metrics?'),
    })
    expect(await world.cli(['create', 'men:a/t', '--schema', 'metrics'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('did you mean mem?'),
    })
  })
})

describe('label', () => {
  it('sets and removes', async () => {
    await using world = await openWorld()
    await world.ok('create', 'mem:a/t', 'mem:a/old-', '--schema', 'metrics', '--label', 'tier=hot')
    await world.ok('label', '-l', 'tier=hot', 'env=prod', 'tier-')
    await world.ok('label', 'mem:a/old-', 'x=a=b')
    expect((await world.json('list')).items.map((item: { labels: object }) => item.labels)).toEqual([
      { env: 'prod', x: 'a=b' },
      { env: 'prod' },
    ])
    expect((await world.json('label', '--all', 'env=prod')).summary.unchanged).toBe(2)
    expect((await world.ok('label', 'mem:a/t', 'env=dev', '--dry-run')).stdout).toContain('would label mem:a/t')
    expect((await world.json('list', 'mem:a/t')).items[0].labels).toEqual({ env: 'prod' })
  })
})

describe('load', () => {
  it('reads files and standard input, the same input once', async () => {
    await using world = await openWorld()
    await world.ok('create', 'mem:a/t', '--schema', 'metrics')
    await world.write('1.ndjson', metric(1))
    await world.write('2.data', metric(2))
    expect((await world.json('load', 'mem:a/t', '1.ndjson')).items[0].result).toMatchObject({ rows: 1 })
    expect((await world.json('load', 'mem:a/t', '1.ndjson')).summary).toMatchObject({ unchanged: 1 })
    await world.ok('load', 'mem:a/t', '1.ndjson', '--again')
    await world.ok(
      'load',
      'mem:a/t',
      '2.data',
      '--format',
      'ndjson',
      '--commit-rows',
      '1',
      '--commit-bytes',
      '1MB',
      '--commit-every',
      '1m',
    )
    for (const code of [0, 0])
      expect(await world.cli(['load', 'mem:a/t', '-', '--batch-id', 'b1'], { stdin: metric(3) })).toMatchObject({
        code,
      })
    expect((await world.json('stats', 'mem:a/t')).status.rows).toBe(4)
    expect(
      (await world.ok('load', 'mem:a/t', '2.data', '--format', 'ndjson', '--again', '--dry-run')).stdout,
    ).toContain('would load mem:a/t\n')
    expect((await world.json('stats', 'mem:a/t')).status.rows).toBe(4)
  })

  it('says which row does not fit, or puts it aside', async () => {
    await using world = await openWorld()
    await world.ok('create', 'mem:a/t', '--schema', 'metrics')
    await world.write('bad.ndjson', metric(1) + metric(2).replace('"value":2', '"value":"two"'))
    const refused = await world.cli(['load', 'mem:a/t', 'bad.ndjson'])
    expect(refused).toMatchObject({ code: 1, stdout: expect.stringContaining('failed') })
    expect(refused.stderr).toMatch(/^error: mem:a\/t: .*\n[\s\S]*bad\.ndjson:2/)
    const aside = await world.cli(['load', 'mem:a/t', 'bad.ndjson', '--reject-to', 'rejects.ndjson', '-q'])
    expect(aside).toMatchObject({ code: 0, stderr: 'warning: 1 rows did not fit; they are in rejects.ndjson\n' })
    expect(await readFile(`${world.folder}/rejects.ndjson`, 'utf8')).toContain('two')
  })

  it('says what is wrong with its input', async () => {
    await using world = await openWorld()
    await world.ok('create', 'mem:a/t', '--schema', 'metrics')
    expect(await world.cli(['load', 'mem:a/t', 'nowhere.csv'])).toMatchObject({
      code: 66,
      stderr: expect.stringContaining('there is no file'),
    })
    await world.write('x.xml', '<x/>')
    expect(await world.cli(['load', 'mem:a/t', 'x.xml'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('--format'),
    })
    expect(await world.cli(['load', 'mem:a/t', 'x', '--format', 'xml'])).toMatchObject({ code: 64 })
  })
})

describe('optimize', () => {
  it('shows its plan, and what it changed', async () => {
    await using world = await openWorld()
    await world.ok('create', 'mem:a/t', 'mem:b/t', '--schema', 'metrics')
    for (const n of [1, 2, 3]) {
      await world.write(`${n}.ndjson`, metric(n))
      await world.ok('load', 'mem:a/t', `${n}.ndjson`)
    }
    const plan = await world.ok('optimize', 'mem:*/t', '--dry-run')
    await expect(stable(plan.stdout, world)).toMatchFileSnapshot(golden('optimize-plan.txt'))
    expect(plan.stderr).toBe('this was a dry run: nothing was changed\n')
    const planned = await world.json('optimize', 'mem:*/t', '--dry-run')
    expect(planned).toMatchObject({ dryRun: true, summary: { skipped: 1, unchanged: 1 } })
    expect((await world.json('stats', 'mem:a/t')).status.files).toBe(3)
    const done = await world.ok('optimize', '--all', '--target-size', '64MB')
    await expect(stable(done.stdout + done.stderr, world)).toMatchFileSnapshot(golden('optimize.txt'))
    for (const n of [4, 5]) {
      await world.write(`${n}.ndjson`, metric(n))
      await world.ok('load', 'mem:a/t', `${n}.ndjson`)
    }
    const report = await world.json('optimize', 'mem:a/t')
    await expect(`${shape(report).join('\n')}\n`).toMatchFileSnapshot(golden('report-names.txt'))
    expect(report.items[0].result).toMatchObject({ filesRemoved: 3, filesAdded: 1 })
    expect((await world.ok('optimize', 'mem:a/t', '--columns', 'ref', '--no-headers', '--dry-run')).stdout).toBe(
      'mem:a/t\n',
    )
  })

  it('of several goes on when one fails, and says every failure in full', async () => {
    await using world = await openWorld()
    await world.ok('create', 'mem:a/t', 'lake:a/t', '--schema', 'metrics')
    const { rm } = await import('node:fs/promises')
    await rm(`${world.folder}/lake`, { recursive: true })
    const result = await world.cli(['optimize', '--all'])
    expect(result.code).toBe(66)
    expect(result.stdout).toMatch(/lake:a\/t +failed .*\nmem:a\/t +unchanged/)
    expect(result.stderr).toMatch(/^error: .*lake.*\n[\s\S]*1 unchanged, 1 failed in/)
    const plan = await world.cli(['optimize', '--all', '--dry-run'])
    expect(plan).toMatchObject({ code: 66, stdout: expect.stringContaining('cannot optimize lake:a/t\n') })
  })

  it('is refused by drivers that cannot, with those that can', async () => {
    await using world = await openWorld()
    await world.ok('create', 'lake:a/t', '--schema', 'metrics')
    expect(await world.cli(['reshard', 'lake:a/t', '--shards', '2'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('drivers that can: memory'),
    })
  })
})

describe('results for people', () => {
  it('pairs what was with what is', () => {
    expect(
      readableResult({
        filesRemoved: 50,
        filesAdded: 1,
        bytesBefore: 2e6,
        bytesAfter: 1e6,
        rows: 7,
        verified: ['rows', 'hash'],
        rowsRemoved: 1,
        empty: [],
        answer: 'ok',
      }),
    ).toEqual({
      files: '50 → 1',
      bytes: '2 MB → 1 MB',
      rows: 7,
      verified: 'rows and hash',
      rowsRemoved: 1,
      empty: [],
      answer: 'ok',
    })
  })
})
