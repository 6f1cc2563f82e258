import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newJob } from '../../contract/catalog.ts'
import { answering, type Project, projectWithTable, table, tablePath } from './project.ts'

let project: Project
beforeEach(async () => {
  project = await projectWithTable()
})
afterEach(() => project[Symbol.dispose]())

const hold = (id = 'bbbb2222', path = tablePath) =>
  project.withCatalog((catalog) => catalog.begin(newJob(id, path, { hold: 'run' }), 'elsewhere/1/0/x', 30_000))
const leases = () => project.withCatalog(async (catalog) => (await catalog.leases()).length)

describe('unlock', () => {
  it('shows who holds the table, asks, frees it and writes it down', async () => {
    await hold()
    expect((await project.run(['reshard', table, '--shards', '2', '-y'])).code).toBe(75)
    const no = await project.run(['unlock', table], { tty: true, drive: answering([['(y/N)', 'n']]) })
    expect(no).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('not approved') })
    expect(no.stderr).toMatch(
      /mem:acme\/metrics: optimize \(job bbbb2222\) by elsewhere\/1\/0\/x since 2\S+Z, until 2\S+Z/,
    )
    const tty = { stdin: true, stderr: true }
    const yes = await project.run(['unlock', table], { tty, drive: answering([['(y/N)', 'y']]) })
    expect(yes).toMatchObject({ code: 0, stdout: expect.stringMatching(/bbbb2222 +elsewhere\/1\/0\/x .* yes\n/) })
    expect(await leases()).toBe(0)
    expect((await project.json('audit')).items[0]).toMatchObject({
      verb: 'unlock',
      ref: table,
      job: 'bbbb2222',
      detail: { owner: 'elsewhere/1/0/x' },
    })
    expect((await project.run(['reshard', table, '--shards', '2', '-y'])).code).toBe(0)
  })

  it('needs -y where nobody can be asked, and frees nothing under --dry-run', async () => {
    await hold()
    expect(await project.run(['unlock', table])).toMatchObject({ code: 64, stderr: expect.stringContaining('add -y') })
    const dry = await project.json(`unlock ${table} --dry-run`)
    expect(dry).toMatchObject({
      kind: 'HolderList',
      items: [{ ref: table, verb: 'optimize', job: 'bbbb2222', mode: 'maintain', freed: false }],
    })
    expect(await leases()).toBeGreaterThan(0)
    await project.ok(`unlock ${table} -y`)
    expect(await leases()).toBe(0)
  })

  it('frees what holds the project above it', async () => {
    await hold('bbbb2222', 'mem/acme')
    expect((await project.json(`unlock ${table} -y`)).items).toMatchObject([{ ref: 'mem:acme/', freed: true }])
    await hold('cccc3333', `${tablePath}/part`)
    expect((await project.json('unlock mem:acme/ -y')).items).toHaveLength(1)
  })

  it('says so when nobody holds it', async () => {
    expect(await project.ok(`unlock ${table}`)).toEqual({
      code: 0,
      stdout: '',
      stderr: `nobody holds ${table}\n`,
      exits: [],
    })
    expect((await project.run(['unlock', 'mem:acme/metrisc'])).code).toBe(66)
    expect((await project.run(['unlock', 'a//b'])).code).toBe(64)
  })

  it('tells of a claim, which no unlock ends', async () => {
    await project.ok(`reshard ${table} --shards 3 -y`)
    const { stderr } = await project.ok(`unlock ${table}`)
    expect(stderr).toMatch(
      /job \w+ \(reshard, waiting\) claims .*; it waits for reverse or complete\n {2}try: tblctl jobs show/,
    )
    await project.withCatalog(async (catalog) => {
      const lease = await catalog.begin(newJob('dddd', 'mem/acme/other', { hold: 'job' }), 'elsewhere/1/0/x', 30_000)
      if (lease.is === 'held') await catalog.release(lease.fence)
    })
    expect((await project.ok('unlock mem:acme/other')).stderr).toContain(
      'job dddd (optimize, interrupted) claims mem:acme/other until it is over\n  try: tblctl jobs resume dddd, or tblctl jobs cancel dddd',
    )
  })
})

describe('audit', () => {
  it('shows who did what, newest first', async () => {
    await project.ok(`optimize ${table}`)
    const { stdout } = await project.ok('audit')
    const rows = stdout.split('\n').map((line) => line.split(/ {2,}/))
    expect(rows[0]).toEqual(['AT', 'ACTOR', 'VERB', 'REF', 'OUTCOME', 'JOB'])
    expect(rows.slice(1, 3).map((row) => row.slice(2, 5))).toEqual([
      ['optimize', table, 'unchanged'],
      ['create', table, 'done'],
    ])
    const { items } = await project.json(`audit ${table} --limit 1`)
    expect(items).toMatchObject([{ verb: 'optimize', ref: table, outcome: 'unchanged', run: expect.any(String) }])
    expect((await project.ok('audit mem:acme/ --limit 1')).stderr).toBe(
      'only the newest 1 rows; there are more (--limit 10)\n',
    )
  })
  it('of nothing', async () => {
    expect((await project.ok('audit mem:other/')).stderr).toBe('nothing was done yet\n')
    expect((await project.run(['audit', 'mem:acme/metrisc'])).code).toBe(66)
  })
})
