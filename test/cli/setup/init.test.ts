import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { answering, Project } from './project.ts'

let project: Project
beforeEach(() => {
  project = new Project(null)
})
afterEach(() => project[Symbol.dispose]())

describe('init without a terminal', () => {
  it('takes the usual, says so, and every later command works with it', async () => {
    const { stdout, stderr } = await project.ok('init')
    expect(readdirSync(project.folder)).toEqual(['tblctl.yaml'])
    expect(stdout).toBe(
      `config   ${project.folder}/tblctl.yaml\ncatalog  .tblctl/catalog.db\nbackend  lake  delta  url file:./lake\n`,
    )
    expect(stderr).toContain('nothing was said about a backend: lake (delta)')
    expect(stderr).toContain('tblctl create lake:acme/metrics --schema metrics')
    expect((await project.ok('config view')).stdout).toMatch(/backends\.lake\.url +file:\.\/lake/)
    expect(project.read('tblctl.yaml')).toMatch(/^# yaml-language-server: \$schema=file:.*tblctl\.schema\.json\n/)
  })

  it('takes what the flags say', async () => {
    const done = await project.json('init --backend a=delta --backend b=memory --catalog cat.db --directory new/deep')
    expect(done).toEqual({
      apiVersion: 'tblctl/v1',
      kind: 'Init',
      file: `${project.folder}/new/deep/tblctl.yaml`,
      catalog: 'cat.db',
      backends: [
        { name: 'a', driver: 'delta', config: { url: 'file:./lake' } },
        { name: 'b', driver: 'memory', config: { file: '.tblctl/memory.db' } },
      ],
      gitignore: 'none',
    })
    const view = await project.json('config view -c new/deep/tblctl.yaml')
    expect(view).toMatchObject({ catalog: `${project.folder}/new/deep/cat.db`, backends: { b: { driver: 'memory' } } })
  })

  it('gives --url to the one backend', async () => {
    await project.ok('init --url file:/elsewhere -q')
    expect(project.read('tblctl.yaml')).toContain('url: file:/elsewhere')
  })

  it('is quiet when it is told to', async () => {
    expect((await project.ok('init -q')).stderr).toBe('')
  })

  it.each([
    [['--backend', 'lake'], 64, '"lake" is no NAME=DRIVER'],
    [['--backend', 'Lake=delta'], 64, '"Lake" is no backend name'],
    [['--backend', 'lake=detla'], 64, 'did you mean delta?'],
    [['--backend', 'lake=tblctl-driver-nowhere'], 69, 'npm install tblctl-driver-nowhere'],
    [['--backend', 'a=delta', '--backend', 'a=memory'], 64, '"a" is there twice'],
    [
      ['--backend', 'a=delta', '--backend', 'b=delta'],
      64,
      'backends a and b would hold their tables in the same place',
    ],
    [['--backend', 'a=delta', '--backend', 'b=memory', '--url', 'file:./x'], 64, '--url is of one backend'],
    [['--backend', 'a=memory', '--url', 'file:./x'], 64, 'the driver memory has no URL; its settings are file'],
    [['--url', './lake'], 64, 'must begin with file:'],
    [['--catalog', 'postgres://x'], 64, 'no catalog: a PostgreSQL catalog is not available'],
    [['--context', 'prod'], 64, 'init does not take --context'],
  ])('refuses %j with %i and writes nothing', async (flags, code, said) => {
    const result = await project.run(['init', ...flags])
    expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(said) })
    expect(readdirSync(project.folder)).toEqual([])
  })

  it('never changes a config that is there', async () => {
    project.write('tblctl.yaml', 'mine')
    expect(await project.run(['init', '-y'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is there already and stays as it is\n {2}edit it, or name another folder/),
    })
    expect(project.read('tblctl.yaml')).toBe('mine')
  })

  it('says in a word what the file system does not let it do', async () => {
    project.write('file', '')
    expect(await project.run(['init', '--directory', 'file/sub'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot be written (ENOTDIR)'),
    })
  })

  it('warns when TBLCTL_CONFIG names another config', async () => {
    const { stderr } = await project.ok('init', { env: { TBLCTL_CONFIG: 'other.yaml' } })
    expect(stderr).toContain('TBLCTL_CONFIG names another config, other.yaml')
  })
})

describe('.gitignore', () => {
  it.each([
    ['node_modules', 'node_modules\n.tblctl/\n', '.tblctl/ was added to .gitignore'],
    ['', '.tblctl/\n', '.tblctl/ was added to .gitignore'],
    ['dist\n/.tblctl\n', 'dist\n/.tblctl\n', null],
    ['.tblctl/**\r\n', '.tblctl/**\r\n', null],
  ])('%j becomes %j', async (before, after, said) => {
    project.write('.gitignore', before)
    const { stderr } = await project.ok('init')
    expect(project.read('.gitignore')).toBe(after)
    expect(stderr.includes('.gitignore')).toBe(said !== null)
    if (said !== null) expect(stderr).toContain(said)
  })
  it('is not made, only asked for, in a checkout without one', async () => {
    mkdirSync(join(project.folder, '.git'))
    expect((await project.ok('init')).stderr).toContain('add .tblctl/ to a .gitignore')
    expect(existsSync(join(project.folder, '.gitignore'))).toBe(false)
  })
})

describe('init on a terminal', () => {
  it('asks, takes the usual for an empty answer, and asks again what does not fit', async () => {
    const result = await project.run(['init'], {
      tty: true,
      drive: answering([
        ['Where is the catalog kept?', 'postgres://x'],
        ['a PostgreSQL catalog is not available', ''],
        ['What is the backend called?', 'My Lake'],
        ['is no backend name', 'logs'],
        ['Which driver?', 'dleta'],
        ['did you mean delta?', ''],
        ['url of logs?', './lake'],
        ['must begin with file:', 'file:./logs'],
      ]),
    })
    expect(result.code).toBe(0)
    expect(result.stderr).not.toContain('nothing was said')
    expect(await project.json('config view')).toMatchObject({
      catalog: `${project.folder}/.tblctl/catalog.db`,
      backends: { logs: { driver: 'delta', url: 'file:./logs' } },
    })
  })

  it('asks only what the flags did not say, and nothing under -y or --no-input', async () => {
    const drive = answering([['Where is the catalog kept?', 'here.db']])
    expect((await project.run(['init', '--backend', 'm=memory', '--directory', 'a'], { tty: true, drive })).code).toBe(
      0,
    )
    expect(project.read('a/tblctl.yaml')).toContain('catalog: here.db')
    for (const flag of ['-y', '--no-input']) {
      const { code, stderr } = await project.run(['init', flag, '--directory', `b${flag}`], { tty: true })
      expect(code).toBe(0)
      expect(stderr).not.toContain('catalog kept')
    }
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends the question', async (signal, code) => {
    const result = await project.run(['init'], {
      tty: true,
      drive: (terminal) => {
        const timer = setInterval(() => {
          if (!terminal.err.text.includes('catalog kept')) return
          clearInterval(timer)
          terminal.signal(signal)
        }, 10)
      },
    })
    expect(result.code).toBe(code)
    expect(readdirSync(project.folder)).toEqual([])
  })
})
