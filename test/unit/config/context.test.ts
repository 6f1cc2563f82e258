import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readStoredContext, storeContext } from '../../../src/config/context.ts'
import { effective } from '../../../src/config/effective.ts'
import { load, loadError, put, temporaryFolder, viewOf } from './fixture.ts'

const text = `version: 1
catalog: base.db
backends:
  lake:
    driver: lake
    url: file:base
    password: env:BASE
    projects:
      acme: { url: file:acme }
  small: { driver: memory, file: a }
contexts:
  prod:
    catalog: prod.db
    protect: true
    backends:
      lake:
        url: file:prod
        projects:
          globex: { url: file:globex }
      small: { driver: lake, url: file:other }
      more: { driver: memory }
  test: { schemas: [./test-schemas] }
`
const originsOf = async (more: Parameters<typeof load>[1]) =>
  Object.fromEntries(effective(await load(text, more)).map(({ key, value, origin }) => [key, [value, origin]]))

describe('a context', () => {
  test('lies over the rest of the file, key by key', async () => {
    const cwd = await temporaryFolder()
    const config = await load(text, { cwd, flags: { context: 'prod' } })
    expect(config).toMatchObject({
      catalog: join(cwd, 'prod.db'),
      protect: true,
      context: { name: 'prod', origin: 'flag --context' },
      contexts: ['prod', 'test'],
    })
    expect(JSON.parse(JSON.stringify(config.backends.get('lake')!.config))).toEqual({
      url: 'file:prod',
      password: 'env:BASE',
      projects: { acme: { url: 'file:acme' }, globex: { url: 'file:globex' } },
    })
    expect(config.backends.get('lake')!.origin).toBe('context prod (tblctl.yaml:16:7)')
    expect([...config.backends.keys()]).toEqual(['lake', 'small', 'more'])
  })

  test('that names another driver gives the whole backend', async () => {
    const config = await load(text, { flags: { context: 'prod' } })
    expect(config.backends.get('small')).toMatchObject({ driver: 'lake', config: { url: 'file:other' } })
  })

  test('is not there unless it is chosen', async () => {
    const config = await load(text)
    expect(config.protect).toBe(false)
    expect(config.backends.get('lake')!.config).toMatchObject({ url: 'file:base' })
    expect(config.backends.has('more')).toBe(false)
  })

  test('may give schemas and leave the rest', async () => {
    const cwd = await temporaryFolder()
    const config = await load(text, { cwd, env: { TBLCTL_CONTEXT: 'test' } })
    expect(config.schemaFolders).toEqual([join(cwd, 'test-schemas')])
    expect(config.catalog).toBe(join(cwd, 'base.db'))
    expect(config.protect).toBe(false)
  })

  test('is checked even when it is not chosen, at its own place', async () => {
    const wrong = `version: 1\nbackends:\n  a: { driver: memory }\ncontexts:\n  prod:\n    backends:\n      a: { fiel: x }\n      b: { file: x }\n`
    const view = await loadError(wrong)
    expect(view.message.split('\n').filter((line) => !line.startsWith(' '))).toEqual([
      'tblctl.yaml has 2 errors',
      'tblctl.yaml:7:12: unknown key "backends.a.fiel"; did you mean "file"?',
      'tblctl.yaml:8:7: key "backends.b.driver" is missing',
    ])
  })

  test('repeats no mistake of the backend below it', async () => {
    const view = await loadError(
      'version: 1\nbackends:\n  a: { driver: memory, zzz: 1 }\ncontexts: { p: {}, q: { backends: { a: { file: x } } } }\n',
    )
    expect(view.message.match(/zzz"/g)).toHaveLength(1)
  })

  test('that needs a package asks for it only when it is chosen', async () => {
    const foreign = 'version: 1\ncontexts:\n  p:\n    backends: { x: { driver: tblctl-driver-absent } }\n'
    expect((await load(foreign)).backends.size).toBe(0)
    expect((await loadError(foreign, { flags: { context: 'p' } })).message).toContain('cannot be loaded')
  })

  test('with commands is part of what is accepted', async () => {
    const config = await load(
      'version: 1\nbackends: { a: { driver: lake, url: file:x } }\ncontexts:\n  p:\n    backends:\n      a: { token: "cmd:rm -rf x" }\n      b: { driver: tblctl-driver-absent, x: [" cmd: evil"] }\n',
    )
    expect(config.commands).toEqual([
      { place: 'tblctl.yaml:6:19', command: 'rm -rf x' },
      { place: 'tblctl.yaml:7:46', command: 'evil' },
    ])
  })
})

describe('which context counts', () => {
  test('flag, then variable, then the stored one', async () => {
    const cwd = await temporaryFolder()
    await storeContext(cwd, 'test', ['prod', 'test'])
    const nameWith = async (more: Parameters<typeof load>[1]) => (await load(text, { cwd, ...more })).context
    expect(await nameWith({})).toEqual({ name: 'test', origin: join(cwd, '.tblctl/context') })
    expect(await nameWith({ env: { TBLCTL_CONTEXT: '' } })).toMatchObject({ name: 'test' })
    expect(await nameWith({ env: { TBLCTL_CONTEXT: 'prod' } })).toEqual({ name: 'prod', origin: 'env TBLCTL_CONTEXT' })
    expect(await nameWith({ env: { TBLCTL_CONTEXT: 'prod' }, flags: { context: 'test' } })).toEqual({
      name: 'test',
      origin: 'flag --context',
    })
  })

  test.each([
    [{ flags: { context: 'prd' } }, 'usage', '--context'],
    [{ env: { TBLCTL_CONTEXT: 'prd' } }, 'usage', 'TBLCTL_CONTEXT'],
  ])('an unknown one is an error with a suggestion', async (more, kind, where) => {
    const view = await loadError(text, more)
    expect(view).toMatchObject({ kind, code: 'unknown-context', where, hint: 'did you mean prod?' })
    expect(view.message).toContain('contexts are prod, test')
  })

  test('a file without contexts says so', async () => {
    const view = await loadError('version: 1\n', { flags: { context: '\u001b[1mx' } })
    expect(view.message).toBe('unknown context "\\u001b[1mx"; the config has no contexts')
  })

  test('a stored one that is gone from the file is a config error', async () => {
    const cwd = await temporaryFolder()
    await put(cwd, { '.tblctl/context': 'gone\n' })
    expect(await loadError(text, { cwd })).toMatchObject({ kind: 'config', where: join(cwd, '.tblctl/context') })
  })
})

describe('the stored context', () => {
  test('is written, read and forgotten', async () => {
    const folder = await temporaryFolder()
    expect(await readStoredContext(folder)).toBeNull()
    await storeContext(folder, 'prod', ['prod'])
    expect(await readStoredContext(folder)).toBe('prod')
    expect(await readdir(join(folder, '.tblctl'))).toEqual(['context'])
    await storeContext(folder, null, [])
    await storeContext(folder, null, [])
    expect(await readStoredContext(folder)).toBeNull()
  })

  test('must be one of the file', async () => {
    const folder = await temporaryFolder()
    expect(await viewOf(() => storeContext(folder, 'x', ['prod']))).toMatchObject({ code: 'unknown-context' })
    expect(await readStoredContext(folder)).toBeNull()
  })

  test('is not guessed at when it is broken', async () => {
    const folder = await temporaryFolder()
    await put(folder, { '.tblctl/context': 'a b\u001b' })
    expect(await viewOf(() => readStoredContext(folder))).toMatchObject({ kind: 'config', code: 'bad-stored-context' })
    await put(folder, { '.tblctl/context': '\n' })
    expect(await readStoredContext(folder)).toBeNull()
    const other = await temporaryFolder()
    await mkdir(join(other, '.tblctl/context'), { recursive: true })
    expect(await viewOf(() => readStoredContext(other))).toMatchObject({ code: 'bad-stored-context' })
  })
})

describe('effective settings', () => {
  test('say where each comes from', async () => {
    const cwd = await temporaryFolder()
    const env = { TBLCTL_CATALOG: 'sub/env.db' }
    expect(await originsOf({ cwd, env, flags: { context: 'prod' } })).toEqual({
      config: [join(cwd, 'tblctl.yaml'), 'working directory'],
      context: ['prod', 'flag --context'],
      protect: [true, 'tblctl.yaml:14:5'],
      catalog: [join(cwd, 'sub/env.db'), 'env TBLCTL_CATALOG'],
      schemas: [[], 'default'],
      'backends.lake.driver': ['lake', 'tblctl.yaml:5:5'],
      'backends.lake.url': ['file:prod', 'context prod (tblctl.yaml:17:9)'],
      'backends.lake.password': ['env:BASE', 'tblctl.yaml:7:5'],
      'backends.lake.projects.acme.url': ['file:acme', 'tblctl.yaml:9:15'],
      'backends.lake.projects.globex.url': ['file:globex', 'context prod (tblctl.yaml:19:21)'],
      'backends.small.driver': ['lake', 'context prod (tblctl.yaml:20:16)'],
      'backends.small.url': ['file:other', 'context prod (tblctl.yaml:20:30)'],
      'backends.more.driver': ['memory', 'context prod (tblctl.yaml:21:15)'],
      'backends.more.delayMs': [5, 'default'],
    })
  })

  test('without a context, and with the catalog of one', async () => {
    const plain = await originsOf({})
    expect(plain.context).toEqual([null, 'default'])
    expect(plain.protect).toEqual([false, 'default'])
    expect(plain.catalog?.[1]).toBe('tblctl.yaml:2:1')
    expect((await originsOf({ flags: { context: 'prod' } })).catalog?.[1]).toBe('context prod (tblctl.yaml:13:5)')
    expect((await originsOf({ env: { TBLCTL_CATALOG: '' } })).catalog?.[1]).toBe('tblctl.yaml:2:1')
  })

  test('show no password in a URL', async () => {
    const config = await load(
      'version: 1\nbackends: { a: { driver: lake, url: "file://me:hunter2@x", keys: [env:A] } }\n',
    )
    const settings = effective(config)
    expect(JSON.stringify(settings)).not.toContain('hunter2')
    expect(settings).toContainEqual({ key: 'backends.a.url', value: 'file://***@x', origin: 'tblctl.yaml:2:32' })
    expect(settings).toContainEqual({ key: 'backends.a.keys', value: ['env:A'], origin: 'tblctl.yaml:2:60' })
  })

  test('a variable that is no catalog is an error', async () => {
    const view = await loadError(text, { env: { TBLCTL_CATALOG: 'postgres://me:hunter2@x/y' } })
    expect(view).toMatchObject({ kind: 'config', where: 'TBLCTL_CATALOG' })
    expect(JSON.stringify(view)).not.toContain('hunter2')
  })
})
