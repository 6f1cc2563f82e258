import { chmod, mkdir, readdir, readFile, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { isTrusted, trust, trustFile } from '../../../src/config/trust.ts'
import { parseSecret, Secret } from '../../../src/settings/secret.ts'
import { load, loadError, put, temporaryFolder, viewOf } from './fixture.ts'

const withPassword = (password: string): string =>
  `version: 1\nbackends:\n  a:\n    driver: lake\n    url: file:x\n    password: ${password}\n`

async function resolved(text: string, more: Parameters<typeof load>[1] = {}) {
  const config = await load(text, more)
  return (await config.backends.get('a')!.resolve()) as { password: Secret; keys: Secret[]; url: string }
}

describe('Secret', () => {
  test('never prints its value', () => {
    const secret = new Secret('env:X', 'hunter2')
    const printed = [
      String(secret),
      `${secret}`,
      JSON.stringify({ secret }),
      inspect({ secret }, { showHidden: true, depth: 9 }),
      Object.values(secret).join(),
    ]
    expect(printed.join()).not.toContain('hunter2')
    expect(printed.slice(0, 3)).toEqual(['***', '***', '{"secret":"env:X"}'])
    expect(secret.reveal()).toBe('hunter2')
  })
  test('is not read before it is resolved', () => expect(() => new Secret('env:X').reveal()).toThrow(/before/))
  test.each(['env:A_1', 'file:./x y', 'cmd:pass show x | head -1', ' env:A '])('%j is a reference', (text) => {
    expect(parseSecret(text)?.reference).toBe(text.trim())
  })
  test.each(['hunter2', '', 'env:', 'env:1A', 'env:A B', 'file:', 'file: ', 'cmd:', 'cmd:a\nb', 'ENV:A', 'xenv:A'])(
    '%j is none',
    (text) => expect(parseSecret(text)).toBeUndefined(),
  )
})

describe('a value in the place of a reference', () => {
  test.each([
    ['plain', 'hunter2'],
    ['quoted', '"hunter2"'],
    ['a number', '4711'],
    ['a block', '|\n      hunter2'],
    ['a list', '[hunter2]'],
    ['with an unknown prefix', 'vault:hunter2'],
  ])('%s is refused and not printed', async (_, text) => {
    const view = await loadError(withPassword(text))
    expect(view).toMatchObject({ kind: 'config', code: 'config-invalid' })
    expect(view.message).toContain('backends.a.password: a secret is a reference')
    expect(JSON.stringify(view)).not.toMatch(/hunter2|4711/)
  })

  test.each([
    ['on one line with another mistake', 'a: { driver: lake, password: hunter2, url: 3 }'],
    ['under a misspelt key', 'a: { driver: lake, url: file:x, pasword: hunter2 }'],
    ['under a key that means nothing', 'a: { driver: lake, url: file:x, zzz: hunter2 }'],
    ['in a URL', 'a: { driver: lake, url: "s3://me:hunter2@host/x" }'],
    ['in quotes that do not end', 'a: { driver: lake, password: "hunter2 }'],
    ['in YAML that does not parse', 'a: { driver: lake, apiKey: hunter2 ]'],
    ['in a list of secrets', 'a: { driver: lake, url: file:x, keys: [env:A, hunter2] }'],
    ['in a list beside another mistake', 'a: { driver: lake, url: 3, keys: [env:A, hunter2] }'],
    ['in a list of its own beside another mistake', 'a: { driver: lake, url: 3, password: [hunter2, hunter2] }'],
    ['in a map under an unknown key', 'a: { driver: lake, url: file:x, zzz: { a: hunter2 } }'],
    [
      'in text over several lines that does not parse',
      'a: { driver: lake, password: "hunt\n\n  hunter2 ] \n    hunter2',
    ],
    ['twice', 'a: { driver: lake, url: file:x, password: hunter2, token: hunter2 }'],
  ])('%s is not printed either', async (_, backend) => {
    const view = await loadError(`version: 1\nbackends:\n  ${backend}\n`)
    expect(view.kind).toBe('config')
    expect(JSON.stringify(view)).not.toContain('hunter2')
  })

  test('the caret still points at the mistake behind a masked value', async () => {
    const view = await loadError('version: 1\nbackends:\n  a: { password: hunter2-and-more, driver: lakee }\n')
    const [, line = '', caret = ''] = view.message.split('\n')
    expect(line).toContain('password: ***, driver')
    expect(line.slice(caret.indexOf('^'))).toBe('lakee }')
  })
})

describe('resolving', () => {
  test('does not happen when the config is loaded', async () => {
    const config = await load(withPassword('env:NOT_THERE'))
    expect(JSON.parse(JSON.stringify(config.backends.get('a')!.config))).toEqual({
      url: 'file:x',
      password: 'env:NOT_THERE',
    })
  })

  test('env: reads the variable', async () => {
    const config = await resolved(withPassword('env:PW'), { env: { PW: ' a b ' } })
    expect(config.password.reveal()).toBe(' a b ')
    expect(config.url).toBe('file:x')
  })

  test('file: reads relative to the config, from home, without the last line break', async () => {
    const cwd = await temporaryFolder()
    await put(cwd, { 'keys/pw': 'one\ntwo\r\n', 'home/pw': 'three' })
    await chmod(join(cwd, 'keys/pw'), 0o600)
    await chmod(join(cwd, 'home/pw'), 0o644)
    const warn = vi.fn()
    const one = await resolved(withPassword('file:keys/pw'), { cwd, warn })
    expect(one.password.reveal()).toBe('one\ntwo')
    expect(warn).not.toHaveBeenCalled()
    const three = await resolved(withPassword('file:~/pw'), { cwd, warn })
    expect(three.password.reveal()).toBe('three')
    expect(warn.mock.calls.flat().join()).toMatch(/others may read it; try: chmod 600/)
    expect(warn.mock.calls.flat().join()).not.toContain('three')
  })

  test('names every missing secret and its place', async () => {
    const cwd = await temporaryFolder()
    await put(cwd, { empty: '', large: 'x'.repeat(70_000) })
    await mkdir(join(cwd, 'folder'))
    const config = await load(
      `${withPassword('env:PW')}    token: env:EMPTY\n    keys: [file:absent, file:empty, file:large, file:folder, env:PW]\n`,
      { cwd, env: { EMPTY: '' } },
    )
    const view = await viewOf(() => config.backends.get('a')!.resolve())
    expect(view).toMatchObject({
      kind: 'config',
      code: 'secret-missing',
      where: 'tblctl.yaml:6:15',
      hint: 'set PW and try again',
    })
    expect(view.message.split('\n').filter((line) => !line.startsWith(' '))).toEqual([
      'tblctl.yaml has 7 errors',
      'tblctl.yaml:6:15: backends.a.password: env:PW is not set',
      'tblctl.yaml:7:12: backends.a.token: env:EMPTY is empty',
      'tblctl.yaml:8:12: backends.a.keys[0]: file:absent does not exist',
      'tblctl.yaml:8:25: backends.a.keys[1]: file:empty is empty',
      'tblctl.yaml:8:37: backends.a.keys[2]: file:large is larger than 64 KiB',
      'tblctl.yaml:8:49: backends.a.keys[3]: file:folder cannot be read (EISDIR)',
      'tblctl.yaml:8:62: backends.a.keys[4]: env:PW is not set',
    ])
  })

  test('a device without an end is not read without an end', async () => {
    const config = await load(withPassword('file:/dev/zero'))
    const view = await viewOf(() => config.backends.get('a')!.resolve())
    expect(view.message).toContain('larger than 64 KiB')
  })
})

describe('cmd:', () => {
  const environment = { PATH: '/usr/bin:/bin', WHO: 'me' }

  async function trusted(command: string) {
    const cwd = await temporaryFolder()
    const options = { cwd, env: environment, home: cwd }
    const config = await load(withPassword(command), options)
    await trust(config.identity, options)
    return { config, backend: config.backends.get('a')!, options }
  }

  test('is not run before the file is accepted, nor after it changed', async () => {
    const cwd = await temporaryFolder()
    const options = { cwd, env: environment, home: cwd }
    const config = await load(withPassword('cmd:touch ran; echo x'), options)
    expect(config.commands).toEqual([{ place: 'tblctl.yaml:6:15', command: 'touch ran; echo x' }])
    const refused = await viewOf(() => config.backends.get('a')!.resolve())
    expect(refused).toMatchObject({ kind: 'config', code: 'secret-missing' })
    expect(refused.message).toContain('cmd:touch ran; echo x is not run')
    expect(refused.hint).toContain('tblctl config trust')
    expect(await readdir(cwd)).not.toContain('ran')

    await trust(config.identity, options)
    expect(await config.backends.get('a')!.resolve()).toMatchObject({
      password: { reference: 'cmd:touch ran; echo x' },
    })
    expect(await readdir(cwd)).toContain('ran')

    const changed = await load(`${withPassword('cmd:touch ran; echo x')}# one more line\n`, options)
    expect((await viewOf(() => changed.backends.get('a')!.resolve())).message).toContain('is not run')
  })

  test('runs in the folder of the config, with the environment, and trims', async () => {
    const { backend, config } = await trusted(`'cmd: printf "  %s %s \\n\\n" "$WHO" "$(ls -A)"'`)
    expect(((await backend.resolve()) as any).password.reveal()).toBe(
      `me ${(await readdir(config.directory)).sort().join('\n')}`,
    )
  })

  test.each([
    ['exit 3', 'failed (exit code 3)'],
    ['echo hunter2 >&2; exit 1', 'failed (exit code 1)'],
    ['kill -9 $$', 'failed (SIGKILL)'],
    ['true', 'printed nothing'],
    ['head -c 70000 /dev/zero', 'failed (more than 64 KiB of output)'],
    ['cat', 'printed nothing'],
  ])('%s', async (command, why) => {
    const { backend } = await trusted(`'cmd:${command}'`)
    const view = await viewOf(() => backend.resolve())
    expect(view.message).toContain(why)
    expect(view.message.replace(command, '').replace(/^ .*$/gm, '')).not.toContain('hunter2')
  })

  test('is waited for no longer than ten seconds', async () => {
    const { backend } = await trusted("'cmd:sleep 2; echo x'")
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const view = viewOf(() => backend.resolve())
      await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1))
      vi.advanceTimersByTime(10_000)
      expect((await view).message).toContain('did not end within 10 s')
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('the trust store', () => {
  const file = { realPath: '/x/tblctl.yaml', sha256: 'aa' }

  test('stands in the state folder, private', async () => {
    const home = await temporaryFolder()
    expect(trustFile({ env: {}, home })).toBe(join(home, '.local/state/tblctl/trust.json'))
    expect(trustFile({ env: { XDG_STATE_HOME: 'relative' }, home })).toBe(join(home, '.local/state/tblctl/trust.json'))
    const user = { env: { XDG_STATE_HOME: join(home, 'state') }, home }
    expect(trustFile(user)).toBe(join(home, 'state/tblctl/trust.json'))
    expect(await isTrusted(file, user)).toBe(false)
    await trust(file, user)
    await trust({ realPath: '/y', sha256: 'bb' }, user)
    expect(await isTrusted(file, user)).toBe(true)
    expect(await isTrusted({ ...file, sha256: 'bb' }, user)).toBe(false)
    expect(await isTrusted({ realPath: 'constructor', sha256: 'aa' }, user)).toBe(false)
    expect((await stat(trustFile(user))).mode & 0o777).toBe(0o600)
    expect(await readdir(join(home, 'state/tblctl'))).toEqual(['trust.json'])
    expect(JSON.parse(await readFile(trustFile(user), 'utf8'))).toEqual({
      version: 1,
      files: { '/x/tblctl.yaml': 'aa', '/y': 'bb' },
    })
  })

  test('follows links: the same file by another path is the same file', async () => {
    const cwd = await temporaryFolder()
    await load(withPassword('cmd:echo x'), { cwd })
    await symlink(join(cwd, 'tblctl.yaml'), join(cwd, 'link.yaml'))
    const linked = await load(withPassword('cmd:echo x'), { cwd, flags: { config: 'link.yaml' } })
    expect(linked.identity.realPath.endsWith('/tblctl.yaml')).toBe(true)
  })

  test.each([
    '',
    '{',
    '[]',
    'null',
    '{"version":2,"files":{}}',
    '{"version":1,"files":[]}',
    '{"version":1,"files":null}',
  ])('is not guessed at when it is broken: %j', async (content) => {
    const home = await temporaryFolder()
    await put(home, { '.local/state/tblctl/trust.json': content })
    const user = { env: {}, home }
    expect(await viewOf(() => isTrusted(file, user))).toMatchObject({ kind: 'config', code: 'bad-trust-store' })
    expect(await viewOf(() => trust(file, user))).toMatchObject({ code: 'bad-trust-store' })
  })
})
