import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { finish, newJob } from '../../contract/catalog.ts'
import type { TestTerminal } from '../../support/run-cli.ts'
import { type Project, projectWithTable, table, tablePath } from './project.ts'

let project: Project
beforeEach(async () => {
  project = await projectWithTable()
})
afterEach(() => project[Symbol.dispose]())

const elsewhere = 'elsewhere/1/0/x'
const optimize = (id: string, more: Parameters<typeof newJob>[2] = {}) =>
  newJob(id, tablePath, { options: { targetSize: null }, ...more })

/** A job whose process is gone. */
const interrupted = (id: string) =>
  project.withCatalog(async (catalog) => {
    const lease = await catalog.begin(optimize(id), elsewhere, 30_000)
    if (lease.is === 'held') await catalog.release(lease.fence)
  })
/** A job that another host runs; with `end` it comes to one. */
const begun = (id: string, end?: ReturnType<typeof finish>) =>
  project.withCatalog(async (catalog) => {
    const lease = await catalog.begin(optimize(id), elsewhere, 30_000)
    if (lease.is !== 'held') throw new Error('busy')
    const progress = { done: 1_200_000, total: 3_000_000, unit: 'bytes' }
    await catalog.commit(id, lease.fence, { phase: 'half', progress, ...(end ? { finish: end } : {}) })
    return lease.fence
  })
const failed = finish('failed', {
  error: { code: 'disk-full', kind: 'failed', message: 'no space\u001b[2J', hint: 'make some', retry: 'resume' },
})
const states = async (words = '') =>
  (await project.json(`jobs list${words}`)).items.map(({ verb, state }: any) => `${verb} ${state}`)

describe('jobs list', () => {
  it('shows jobs newest first, with what people look for', async () => {
    await interrupted('aaaa1111')
    await begun('bbbb2222')
    const now = () => new Date(Date.now() + 90_000)
    const { stdout } = await project.ok('jobs list', { now })
    const rows = stdout.split('\n').map((line) => line.split(/ {2,}/))
    expect(rows[0]).toEqual(['ID', 'VERB', 'REF', 'STATE', 'PHASE', 'PROGRESS', 'AGE'])
    expect(rows[1]).toEqual(['bbbb2222', 'optimize', table, 'running', 'half', '1.2 MB/3 MB (40%)', expect.any(String)])
    expect(rows[1]![6]).toMatch(/^1m 3\ds$/)
    expect(rows[2]!.slice(0, 4)).toEqual(['aaaa1111', 'optimize', table, 'interrupted'])
    expect(rows[3]!.slice(1, 4)).toEqual(['create', table, 'done'])
    expect((await project.ok('jobs list -o wide')).stdout).toContain('elsewhere/1/0/x')
  })

  it('filters by ref, project, verb and state, and says when there are more', async () => {
    await interrupted('aaaa1111')
    expect(await states(` ${table}`)).toEqual(['optimize interrupted', 'create done'])
    expect(await states(' mem:acme/ --verb create')).toEqual(['create done'])
    expect(await states(' --state interrupted --state queued')).toEqual(['optimize interrupted'])
    const one = await project.ok('jobs list --limit 1')
    expect(one.stdout.split('\n')).toHaveLength(3)
    expect(one.stderr).toBe('only the newest 1 jobs; there are more (--limit 10)\n')
    expect(await project.ok('jobs list --state cancelled')).toMatchObject({ stdout: '', stderr: 'no jobs\n' })
  })

  it('can be watched', async () => {
    const drive = (terminal: TestTerminal) => void setTimeout(() => terminal.signal('SIGINT'), 400)
    const { code, stdout } = await project.run(['jobs', 'list', '--watch=10ms'], { drive })
    expect(code).toBe(130)
    expect(stdout.trim().split('\n').length).toBeGreaterThan(1)
    expect(JSON.parse(stdout.split('\n')[0]!)).toMatchObject({ verb: 'create', state: 'done' })
  })

  it.each([
    [['list', 'mem:acme/metrisc'], 66, `did you mean ${table}?`],
    [['list', '--state', 'runing'], 64, 'did you mean running?'],
    [['list', 'meme:acme/x'], 64, 'did you mean mem?'],
    [['list', '--limit', '0'], 64, 'no whole number from 1'],
    [['show', 'nope'], 66, 'there is no job nope'],
    [['show', 'aaaa'], 64, '2 jobs begin with aaaa'],
    [['show', 'aa'], 66, 'there is no job aa'],
    [['show'], 64, "missing required argument 'id'"],
    [['prune'], 64, 'jobs prune needs --older-than'],
    [['prune', '--older-than', '30'], 64, 'it has no unit'],
    [['lst'], 64, 'did you mean jobs list?'],
  ])('%j is refused with %i', async (words, code, said) => {
    await interrupted('aaaa1111')
    await interrupted('aaaa2222')
    expect(await project.run(['jobs', ...words])).toMatchObject({
      code,
      stdout: '',
      stderr: expect.stringContaining(said),
    })
  })
})

describe('jobs show', () => {
  it('shows a job by the beginning of its id, hostile text made harmless', async () => {
    await begun('bbbb2222', failed)
    const { stdout } = await project.ok('jobs show bbbb')
    expect(stdout).toMatch(/^id +bbbb2222\nverb +optimize\nref +mem:acme\/metrics\nstate +failed\nphase +half\n/)
    expect(stdout).toMatch(/\nPlan\n {2}risk +routine\n\nError\n {2}code +disk-full\n/)
    expect(stdout).toMatch(/ {2}message +no space\\u001b\[2J\n/)
    expect(await project.json('jobs show bbbb')).toMatchObject({ kind: 'Job', id: 'bbbb2222', state: 'failed' })
  })
  it('shows what it waits for, and its result', async () => {
    await project.ok(`reshard ${table} --shards 3 -y`)
    const [id] = (await project.ok('jobs list --state waiting -o name')).stdout.split('\n')
    const { stdout } = await project.ok(`jobs show ${id}`)
    expect(stdout).toMatch(/waits for +reverse or complete\n/)
    expect(stdout).toMatch(/what +reshard mem:acme\/metrics: 1 → 3 shards/)
    expect(stdout).toMatch(/\nResult\n {2}epoch +2\n {2}shards +3\n/)
  })
})

describe('jobs logs', () => {
  const log = (id: string, fence: number, message: string) =>
    project.withCatalog((catalog) =>
      catalog.commit(id, fence, {
        log: [{ at: '2026-01-01T00:00:00.000Z', level: 'info', message, fields: { n: 1 } }],
      }),
    )
  it('prints a line for each, or objects', async () => {
    await log('bbbb2222', await begun('bbbb2222'), 'half\u001b[2J')
    expect((await project.ok('jobs logs bbbb')).stdout).toBe('2026-01-01T00:00:00.000Z info  half\\u001b[2J {"n":1}\n')
    const ndjson = JSON.parse((await project.ok('jobs logs bbbb -o ndjson')).stdout)
    expect(ndjson).toMatchObject({ level: 'info', message: 'half\u001b[2J', fields: { n: 1 } })
    expect(await project.json('jobs logs bbbb')).toMatchObject({ kind: 'JobLog', items: [{ level: 'info' }] })
  })

  it('follows until nobody runs the job', async () => {
    const fence = await begun('bbbb2222')
    await log('bbbb2222', fence, 'first')
    const drive = (terminal: TestTerminal) => {
      const timer = setInterval(async () => {
        if (!terminal.out.text.includes('first')) return
        clearInterval(timer)
        await log('bbbb2222', fence, 'second')
        await project.withCatalog((catalog) => catalog.commit('bbbb2222', fence, { finish: finish('done') }))
      }, 10)
    }
    const { stdout } = await project.ok('jobs logs bbbb --follow', { drive })
    expect(stdout).toMatch(/first[^\n]*\n[^\n]*second[^\n]*\n$/)
  })

  it('follows until it is stopped', async () => {
    await begun('bbbb2222')
    const drive = (terminal: TestTerminal) => void setTimeout(() => terminal.signal('SIGTERM'), 300)
    expect(await project.run(['jobs', 'logs', 'bbbb', '-f'], { drive })).toMatchObject({ code: 143 })
  })
})

describe('jobs wait', () => {
  it.each([
    ['done', finish('done'), 0],
    ['waiting', finish('waiting', { waitsFor: ['switch'] }), 0],
    ['cancelled', finish('cancelled'), 1],
    ['failed', failed, 1],
    ['failed', finish('failed', { error: { code: 'x', kind: 'unreachable', message: 'gone', retry: 'later' } }), 69],
  ] as const)('%s', async (state, end, code) => {
    await begun('bbbb2222', end)
    const result = await project.run(['jobs', 'wait', 'bbbb', '-o', 'json'])
    expect(result.code).toBe(code)
    expect(JSON.parse(result.stdout)).toMatchObject({ kind: 'Job', state })
  })
  it('of one that nobody runs is 1, with what to do', async () => {
    await interrupted('aaaa1111')
    expect(await project.run(['jobs', 'wait', 'aaaa'])).toMatchObject({
      code: 1,
      stderr: 'nobody runs this job any more\n  try: tblctl jobs resume aaaa1111\n',
    })
  })
  it('waits, and no longer than --timeout', async () => {
    const fence = await begun('bbbb2222')
    expect((await project.run(['jobs', 'wait', 'bbbb', '--timeout', '300ms'])).code).toBe(124)
    const drive = () =>
      void setTimeout(
        () => project.withCatalog((catalog) => catalog.commit('bbbb2222', fence, { finish: finish('done') })),
        300,
      )
    expect((await project.run(['jobs', 'wait', 'bbbb'], { drive })).code).toBe(0)
  })
})

describe('jobs resume and cancel', () => {
  it('goes on with an interrupted job', async () => {
    await interrupted('aaaa1111')
    const { stdout } = await project.ok('jobs resume aaaa')
    expect(stdout).toContain(table)
    expect(await states(' --state interrupted')).toEqual([])
    expect(await project.run(['jobs', 'resume', 'aaaa'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('job aaaa1111 is cancelled: there is nothing to go on with'),
    })
  })
  it('is busy while another process runs it', async () => {
    await begun('bbbb2222')
    expect(await project.run(['jobs', 'resume', 'bbbb'])).toMatchObject({
      code: 75,
      stderr: expect.stringContaining('job bbbb2222 is running (elsewhere/1/0/x)'),
    })
  })
  it('cancels one that nobody runs, and one that is queued', async () => {
    await interrupted('aaaa1111')
    expect(await project.json('jobs cancel aaaa')).toMatchObject({ kind: 'Job', id: 'aaaa1111', state: 'cancelled' })
    await project.withCatalog((catalog) => catalog.enqueue(optimize('cccc3333')))
    expect(await project.json('jobs cancel cccc -y')).toMatchObject({ state: 'cancelled' })
    expect((await project.run(['jobs', 'cancel', 'cccc'])).code).toBe(1)
  })
  it('says so when the job came to another end first', async () => {
    const fence = await begun('bbbb2222')
    const drive = () =>
      void setTimeout(
        () => project.withCatalog((catalog) => catalog.commit('bbbb2222', fence, { finish: finish('done') })),
        300,
      )
    expect(await project.run(['jobs', 'cancel', 'bbbb'], { drive })).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/state +done/),
      stderr: expect.stringContaining('job bbbb2222 is done, not cancelled'),
    })
  })
  it('refuses a cancel that the phase does not allow', async () => {
    await project.ok(`reshard ${table} --shards 3 -y`)
    const [id] = (await project.ok('jobs list --state waiting -o name')).stdout.split('\n')
    expect(await project.run(['jobs', 'cancel', id!])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('cancel is possible in phase copying or ready'),
    })
  })
})

describe('jobs prune', () => {
  it('forgets what ended long ago, and nothing that is open', async () => {
    await interrupted('aaaa1111')
    expect(await project.json('jobs prune --older-than 1d')).toMatchObject({ kind: 'Pruned', jobs: 0, auditRows: 0 })
    await new Promise((resolve) => setTimeout(resolve, 5))
    const counts = { jobs: 1, auditRows: 1 }
    expect(await project.json('jobs prune --older-than 1ms --dry-run')).toMatchObject({ jobs: 1, auditRows: 0 })
    const planned = await project.json('jobs prune --older-than 1ms --audit --dry-run')
    expect(planned).toMatchObject({ ...counts, dryRun: true })
    for (const refused of ['--older-than 1ms', '--older-than 0s --no-input', '--older-than 1ms -y -o csv'])
      expect(await project.run(`jobs prune ${refused}`.split(' '))).toMatchObject({ code: 64 })
    expect(await project.json('jobs prune --older-than 1ms -y')).toMatchObject({ jobs: 1, auditRows: 0 })
    expect((await project.json('audit')).items).toHaveLength(1)
    expect(await project.json('jobs prune --older-than 1ms --audit -y')).toMatchObject({ jobs: 0, auditRows: 1 })
    expect(await project.json('audit')).toMatchObject({ items: [] })
    expect(await states()).toEqual(['optimize interrupted'])
  })
})
