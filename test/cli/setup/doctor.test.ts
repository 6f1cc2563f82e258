import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { finish, newJob, spec } from '../../contract/catalog.ts'
import { memoryConfig, Project } from './project.ts'

let project: Project
beforeEach(() => {
  project = new Project(`${memoryConfig}  lake: { driver: delta, url: "file:./lake" }\n`)
})
afterEach(() => project[Symbol.dispose]())

describe('drivers', () => {
  it('shows verbs by drivers, and needs no config', async () => {
    using empty = new Project(null)
    const { stdout } = await empty.ok('drivers')
    expect(stdout).toMatch(/^ +BIGQUERY +CLICKHOUSE +DELTA +HARPER +MEMORY +SHARDED-SQL +USER-TABLES\n/)
    expect(stdout).toMatch(/^embedded +- +yes +yes +- +yes +yes +yes$/m)
    expect(stdout).toMatch(/^verified +- +yes +yes +yes +yes +yes +yes$/m)
    expect(stdout).toMatch(/^reshard +- +- +- +- +yes +- +-$/m)
    expect(stdout).toMatch(/^tenant create /m)
    const { items } = await empty.json('drivers')
    expect(items[2]).toMatchObject({ driver: 'delta', embedded: true, can: expect.arrayContaining(['optimize']) })
    expect((await empty.ok('drivers -o name')).stdout.split('\n')).toContain('sharded-sql')
    expect((await empty.ok('drivers -o csv')).stdout).toMatch(/^driver,embedded,verified,can\n/)
    expect(await empty.run(['drivers', 'delta'])).toMatchObject({ code: 64 })
  })
})

describe('doctor', () => {
  it('prints every check below its backend', async () => {
    const { stdout, stderr } = await project.ok('doctor')
    const lines = stdout.split('\n')
    expect(lines.filter((line) => !line.startsWith(' '))).toEqual(['tblctl', 'mem', 'lake', ''])
    expect(stdout).toMatch(/^ {2}✓ node: v\d+/m)
    expect(stdout).toContain(`  ✓ config: ${project.folder}/tblctl.yaml`)
    expect(stderr).toBe('')
    expect((await project.ok('doctor mem')).stdout).not.toContain('lake')
  })

  it('has marks for terminals that know no Unicode', async () => {
    expect((await project.ok('doctor mem', { env: { LANG: 'C' } })).stdout).toContain('  ok node: v')
    expect((await project.ok('doctor mem', { env: { LANG: 'C', LC_ALL: 'de_DE.UTF-8' } })).stdout).toContain('✓ node')
  })

  it('says what fails and how to mend it, goes on, and exits with 1', async () => {
    mkdirSync(join(project.folder, 'mem.db'))
    project.write(
      'tblctl.yaml',
      `${memoryConfig.replace('backends', 'schemas: [.]\nbackends')}  m2: { driver: memory }\n`,
    )
    project.write('broken.yaml', 'table_name: broken\u001b[2J\n')
    await project.withCatalog(async (catalog) => {
      const lease = await catalog.begin(newJob('j1', 'gone/a/b'), 'h/1/0/x', 5000)
      if (lease.is === 'held')
        await catalog.commit('j1', lease.fence, {
          finish: finish('done', { tables: [{ put: 'gone/a/b', spec, state: 'active' }] }),
        })
    })
    const { code, stdout, stderr } = await project.run(['doctor'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/✗ schemas: broken: broken, tblctl\n {6}fix: tblctl schema validate .*broken\.yaml/)
    expect(stdout).toMatch(/^gone\n {2}✗ configured: 1 registered tables, .*\n {6}fix: add backend gone to /m)
    expect(stdout).toMatch(/^mem\n {2}✗ opens: /m)
    expect(stdout).toMatch(/^m2\n {2}✓ store: /m)
    expect(stderr).toBe('3 of 7 checks failed\n')
    const json = await project.run(['doctor', '-o', 'json'])
    expect(json.code).toBe(1)
    expect(JSON.parse(json.stdout)).toMatchObject({ kind: 'Doctor', summary: { passed: 4, failed: 3 } })
    const ndjson = await project.run(['doctor', '-o', 'ndjson'])
    expect(
      ndjson.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(JSON.parse(json.stdout).items)
    expect((await project.run(['doctor', '-o', 'name'])).stdout).toMatch(/^node\nconfig\n[\s\S]*\nm2\/store\n/)
  })

  it('finds a config that is missing or broken', async () => {
    using empty = new Project(null)
    const missing = await empty.run(['doctor'])
    expect(missing).toMatchObject({ code: 1, stderr: '1 of 1 checks failed\n' })
    expect(missing.stdout).toMatch(/✗ config: .*there is no tblctl\.yaml.*\n {6}fix: tblctl init\n/)
    empty.write('tblctl.yaml', 'version: 1\nbackends:\n  mem: { driver: memroy }\n')
    const broken = await empty.run(['doctor', '-q'])
    expect(broken).toMatchObject({ code: 1, stderr: '' })
    expect(broken.stdout).toMatch(/✗ config: tblctl\.yaml:3:18: .*did you mean "memory"\?\n {10,}3 \|/)
    expect(broken.stdout).toContain('fix: correct the file')
  })

  it.each([
    [['doctor', 'mme'], 'did you mean mem?'],
    [['doctor', '--print-policy', 'mme'], 'did you mean mem?'],
    [['doctor', '--context', 'nope'], 'the config has no contexts'],
  ])('%j is a usage error', async (words, said) => {
    expect(await project.run(words)).toMatchObject({ code: 64, stdout: '', stderr: expect.stringContaining(said) })
  })

  it('prints the least privileges', async () => {
    const { stdout } = await project.ok('doctor --print-policy')
    expect(stdout).toMatch(/^# mem \(memory\)\nread and write access to mem\.db.*\n# lake \(delta\)\n/)
    expect(await project.json('doctor --print-policy lake')).toMatchObject({
      kind: 'PolicyList',
      items: [{ backend: 'lake', driver: 'delta', policy: expect.stringContaining('./lake') }],
    })
  })
})
