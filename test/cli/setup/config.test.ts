import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { answering, Project } from './project.ts'

const config = `version: 1
schemas: [./schemas]
backends:
  mem: { driver: memory, file: mem.db }
  lake: { driver: delta, url: "file:./lake" }
contexts:
  prod: { catalog: prod.db, protect: true, backends: { mem: { file: prod-mem.db } } }
  stage: {}
`
let project: Project
beforeEach(() => {
  project = new Project(config)
})
afterEach(() => project[Symbol.dispose]())

describe('config view', () => {
  it('shows what counts', async () => {
    const { stdout } = await project.ok('config view')
    expect(stdout).toMatch(/^KEY +VALUE\n/)
    expect(stdout).toMatch(/backends\.mem\.file +mem\.db\n/)
    expect(await project.json('config view')).toEqual({
      apiVersion: 'tblctl/v1',
      kind: 'Config',
      file: `${project.folder}/tblctl.yaml`,
      context: null,
      protect: false,
      catalog: `${project.folder}/.tblctl/catalog.db`,
      schemas: [`${project.folder}/schemas`],
      backends: { mem: { driver: 'memory', file: 'mem.db' }, lake: { driver: 'delta', url: 'file:./lake' } },
    })
  })

  it('says where each setting comes from: file, context, flag, variable or default', async () => {
    const { origins } = await project.json('config view --show-origin --context prod')
    expect(origins).toMatchObject({
      config: 'working directory',
      context: 'flag --context',
      catalog: 'context prod (tblctl.yaml:7:11)',
      'backends.mem.file': 'context prod (tblctl.yaml:7:63)',
      'backends.lake.url': 'tblctl.yaml:5:26',
    })
    const env = { TBLCTL_CONTEXT: 'prod', TBLCTL_CATALOG: 'x.db', TBLCTL_CONFIG: 'tblctl.yaml' }
    const { stdout } = await project.ok('config view --show-origin', { env })
    expect(stdout).toMatch(/context +prod +env TBLCTL_CONTEXT\n/)
    expect(stdout).toMatch(/catalog +.*x\.db +env TBLCTL_CATALOG\n/)
    expect(stdout).toMatch(/config +.* +env TBLCTL_CONFIG\n/)
  })

  it('fails with 78 where there is no config, or a broken one', async () => {
    using empty = new Project(null)
    expect(await empty.run(['config', 'view'])).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('try: tblctl init'),
    })
    project.write('tblctl.yaml', 'version: 1\nbackend: {}\n')
    expect(await project.run(['config', 'view'])).toMatchObject({
      code: 78,
      stderr: expect.stringMatching(/did you mean "backends"\?[\s\S]*tblctl\.yaml:2:1/),
    })
    expect((await project.run(['config', 'view', '-c', 'nope.yaml'])).code).toBe(78)
  })

  it('is used wrongly with 64', async () => {
    for (const words of [['show'], ['view', '-o', 'csv'], ['view', '--context', 'pord'], ['view', '-y'], []])
      expect((await project.run(['config', ...words])).code).toBe(64)
  })
})

describe('config trust', () => {
  const file =
    'version: 1\nbackends: {}\ncontexts:\n  prod: { catalog: "cmd:echo one" }\n  dev: { catalog: "cmd:echo \\e[2J" }\n'
  beforeEach(() => void project.write('tblctl.yaml', file))
  const trusted = async () => (await project.json('config trust --dry-run')).trusted

  it('shows every command, and asks; no is the default', async () => {
    const no = await project.run(['config', 'trust'], { tty: true, drive: answering([['(y/N)', '']]) })
    expect(no).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('not accepted') })
    expect(no.stderr).toContain('tblctl.yaml:4:20: echo one')
    expect(no.stderr).toContain('tblctl.yaml:5:19: echo \\u001b[2J')
    expect(await trusted()).toBe(false)
    const yes = await project.run(['config', 'trust'], { tty: true, drive: answering([['(y/N)', 'y']]) })
    expect(yes.code).toBe(0)
    expect(await trusted()).toBe(true)
  })

  it('takes -y, is about this content only, and asks nothing twice', async () => {
    expect((await project.ok('config trust -y')).stderr).toContain('echo one')
    expect(await project.json('config trust')).toMatchObject({
      kind: 'ConfigTrust',
      file: `${project.folder}/tblctl.yaml`,
      trusted: true,
      commands: [{ place: 'tblctl.yaml:4:20', command: 'echo one' }, { place: 'tblctl.yaml:5:19' }],
    })
    project.write('tblctl.yaml', `${file}# changed\n`)
    expect(await trusted()).toBe(false)
  })

  it('is a usage error where nobody can be asked', async () => {
    expect(await project.run(['config', 'trust'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('add -y'),
    })
    expect(existsSync(join(project.folder, '.local'))).toBe(false)
  })

  it('has nothing to ask where there is no command', async () => {
    project.write('tblctl.yaml', config)
    expect((await project.ok('config trust')).stderr).toBe(
      'the config has no cmd: secret: there is nothing to accept\n',
    )
  })
})

describe('context', () => {
  it('lists, and says which one counts and from where', async () => {
    const first = await project.ok('context list')
    expect(first.stdout).toBe('NAME   CURRENT  PROTECT\nprod            yes\nstage           no\n')
    expect(first.stderr).toBe('no context counts\n')
    await project.ok('context use prod')
    expect(await project.ok('context list')).toMatchObject({
      stdout: expect.stringMatching(/prod +\* +yes/),
      stderr: `prod counts, from ${project.folder}/.tblctl/context\n`,
    })
    expect(await project.json('context list --context stage')).toEqual({
      apiVersion: 'tblctl/v1',
      kind: 'ContextList',
      origin: 'flag --context',
      items: [
        { name: 'prod', protect: true, current: false },
        { name: 'stage', protect: false, current: true },
      ],
    })
    const fromVariable = await project.ok('context list', { env: { TBLCTL_CONTEXT: 'stage' } })
    expect(fromVariable.stderr).toBe('stage counts, from env TBLCTL_CONTEXT\n')
  })

  it('is used by every later command until it is cleared', async () => {
    await project.ok('context use prod')
    expect((await project.json('config view')).catalog).toBe(`${project.folder}/prod.db`)
    expect(await project.json('context clear')).toMatchObject({ kind: 'Context', context: null })
    expect((await project.json('config view')).context).toBe(null)
  })

  it('warns when a variable comes before it', async () => {
    const { stderr } = await project.ok('context use prod', { env: { TBLCTL_CONTEXT: 'stage' } })
    expect(stderr).toBe('warning: TBLCTL_CONTEXT is set to stage, and comes before what is chosen here\n')
  })

  it('can be mended when the stored one is gone from the config', async () => {
    await project.ok('context use prod')
    project.write('tblctl.yaml', config.replace('  prod:', '  production:'))
    expect((await project.run(['config', 'view'])).code).toBe(78)
    const { stdout, stderr } = await project.ok('context list')
    expect(stdout).toContain('production')
    expect(stderr).toMatch(/^warning: unknown context "prod".* \(at .*context\)\n$/)
    await project.ok('context use production')
    expect((await project.json('config view')).context).toBe('production')
  })

  it.each([
    [['use', 'pord'], 64, 'did you mean prod?'],
    [['list', '--context', 'nope'], 64, 'contexts are prod, stage'],
    [['use'], 64, "missing required argument 'name'"],
    [[], 64, 'context needs one of: list, use, clear'],
    [['list', '-c', 'nope.yaml'], 78, 'does not exist'],
  ])('refuses %j with %i', async (words, code, said) => {
    expect(await project.run(['context', ...words])).toMatchObject({ code, stderr: expect.stringContaining(said) })
  })

  it('has none where the config has none, and refuses a config that cannot have any', async () => {
    project.write('tblctl.yaml', 'version: 1\n')
    expect((await project.ok('context list')).stderr).toContain('has no contexts')
    project.write('tblctl.yaml', 'version: 1\ncontexts: [a]\n')
    expect(await project.run(['context', 'list'])).toMatchObject({ code: 78, stderr: expect.stringContaining('a map') })
  })
})
