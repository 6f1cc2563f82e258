import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fail } from '../../../src/core/errors.ts'
import { drivers, load, loadError, put, temporaryFolder } from './fixture.ts'

const minimal = 'version: 1\n'

describe('a config that fits', () => {
  test('has defaults and absolute paths', async () => {
    const cwd = await temporaryFolder()
    const config = await load(minimal, { cwd })
    expect(config).toMatchObject({
      file: join(cwd, 'tblctl.yaml'),
      directory: cwd,
      catalog: join(cwd, '.tblctl/catalog.db'),
      schemaFolders: [],
      context: { name: null, origin: 'default' },
      contexts: [],
      protect: false,
    })
    expect([...config.backends]).toEqual([])
  })

  test('relative paths count from the folder of the file', async () => {
    const cwd = await temporaryFolder()
    await put(cwd, { 'deep/er/x': '' })
    await load('version: 1\ncatalog: state/c.db\nschemas: [./s, ../t, /abs]\n', { cwd })
    const config = await load('version: 1\ncatalog: state/c.db\nschemas: [./s, ../t, /abs]\n', { cwd })
    expect(config.catalog).toBe(join(cwd, 'state/c.db'))
    expect(config.schemaFolders).toEqual([join(cwd, 's'), join(cwd, '../t'), '/abs'])
  })

  test('gives each backend what its driver made of it', async () => {
    const config = await load('version: 1\nbackends:\n  a: { driver: memory, file: x }\n  b:\n    driver: memory\n')
    expect(config.backends.get('a')).toMatchObject({ driver: 'memory', config: { file: 'x', delayMs: 5 } })
    expect(config.backends.get('b')).toMatchObject({ name: 'b', config: { delayMs: 5 }, origin: 'tblctl.yaml:4:3' })
    expect([...config.backends.keys()]).toEqual(['a', 'b'])
  })

  test('may use aliases, CRLF, a byte order mark, quotes and comments', async () => {
    const text = '\uFEFF# c\r\nversion: 1\r\nbackends:\r\n  "a": &one { driver: memory, file: \'x\' }\r\n  b: *one\r\n'
    const config = await load(text)
    expect(config.backends.get('b')!.config).toEqual({ file: 'x', delayMs: 5 })
  })

  test("takes a third party's driver by its package name", async () => {
    const config = await load('version: 1\nbackends:\n  a: { driver: tblctl-driver-foo, ok: true }\n')
    expect(config.backends.get('a')!.config).toEqual({ ok: true })
  })
})

describe('a config that does not fit', () => {
  /** file:line:col, and a part of the message */
  const cases: [name: string, text: string, where: string, message: string | RegExp][] = [
    ['no version', 'catalog: x\n', ':1:1', 'key "version" is missing'],
    ['a newer version', 'version: 2\nnew: 1\n', ':1:10', 'the file has version 2, this tblctl reads version 1'],
    ['a version as text', 'version: "1"\n', ':1:10', 'version: expected 1'],
    ['an unknown key', 'version: 1\ncatalgo: x\n', ':2:1', 'unknown key "catalgo"; did you mean "catalog"?'],
    ['an unknown key, nothing near', 'version: 1\nzzz: x\n', ':2:1', /unknown key "zzz"; known are version, catalog/],
    ['a wrong type', 'version: 1\nbackends: [a]\n', ':2:11', 'backends: expected a map, found a list'],
    ['an empty map', 'version: 1\nbackends:\n', ':2:1', 'backends: expected a map, found nothing'],
    ['a member of a list', 'version: 1\nschemas: [a, 3]\n', ':2:14', 'schemas[1]: expected text, found a number'],
    ['a bad backend name', 'version: 1\nbackends: { Lake: { driver: memory } }\n', ':2:13', 'a backend name is'],
    ['a bad context name', 'version: 1\ncontexts: { "a b": {} }\n', ':2:13', 'a context name is'],
    ['no driver', 'version: 1\nbackends:\n  a: { file: x }\n', ':3:3', 'key "backends.a.driver" is missing'],
    ['a misspelt driver', 'version: 1\nbackends:\n  a: { drvier: memory }\n', ':3:8', 'did you mean "driver"?'],
    [
      'contexts that are no map',
      'version: 1\nzzz: 1\ncontexts: [a]\n',
      ':2:1',
      'contexts: expected a map, found a list',
    ],
    ['a context that is no map', 'version: 1\ncontexts: { a: 1 }\n', ':2:16', 'contexts.a: expected a map'],
    [
      'a driver that is no text',
      'version: 1\nbackends: { a: { driver: 3 } }\n',
      ':2:26',
      'expected text, found a number',
    ],
    ['an empty text', 'version: 1\nschemas: [""]\n', ':2:11', 'schemas[0]: it is empty'],
    ['true for text', 'version: 1\ncatalog: true\n', ':2:10', 'catalog: expected text, found true'],
    [
      'an unknown driver',
      'version: 1\nbackends:\n  a: { driver: memmory }\n',
      ':3:16',
      'unknown driver "memmory"; did you mean "memory"?',
    ],
    ['an unlike driver', 'version: 1\nbackends:\n  a: { driver: node:fs }\n', ':3:16', /drivers are memory, lake/],
    [
      'a package that is not there',
      'version: 1\nbackends:\n  a: { driver: tblctl-driver-bar }\n',
      ':3:16',
      'tblctl-driver-bar cannot be loaded: no package tblctl-driver-bar',
    ],
    [
      "a driver's unknown key",
      'version: 1\nbackends:\n  a:\n    driver: memory\n    fiel: x\n',
      ':5:5',
      'unknown key "backends.a.fiel"; did you mean "file"?',
    ],
    [
      "a driver's missing key",
      'version: 1\nbackends:\n  a: { driver: lake }\n',
      ':3:3',
      'key "backends.a.url" is missing',
    ],
    [
      "a driver's deep key",
      'version: 1\nbackends:\n  a:\n    driver: lake\n    url: file:x\n    projects:\n      g: { ulr: x, url: y }\n',
      ':7:12',
      'unknown key "backends.a.projects.g.ulr"; did you mean "url"?',
    ],
    [
      "a driver's own rule",
      'version: 1\nbackends:\n  a: { driver: lake, url: "s3://x" }\n',
      ':3:27',
      'backends.a.url: only file: URLs work',
    ],
    [
      'none of several words',
      'version: 1\nbackends:\n  a: { driver: memory, mode: fsat }\n',
      ':3:30',
      'backends.a.mode: expected one of fast, slow; did you mean "fast"?',
    ],
    [
      'none of several forms',
      'version: 1\nbackends:\n  a: { driver: lake, url: file:x, limit: yes }\n',
      ':3:42',
      'backends.a.limit: expected a number or a map, found text',
    ],
    [
      'a mistake within one of several forms',
      'version: 1\nbackends:\n  a: { driver: lake, url: file:x, limit: { bytes: many } }\n',
      ':3:51',
      'backends.a.limit.bytes: expected a number, found text',
    ],
    [
      'what a driver without zod says',
      'version: 1\nbackends:\n  a: { driver: tblctl-driver-foo }\n',
      ':3:3',
      'backends.a: ok must be true',
    ],
    [
      'a server as catalog',
      'version: 1\ncatalog: postgres://me:hunter2@db/x\n',
      ':2:10',
      'a PostgreSQL catalog is not available in this version',
    ],
    ['another URL as catalog', 'version: 1\ncatalog: s3://x\n', ':2:10', 'it is the path of a file, not a URL'],
    ['an empty catalog', 'version: 1\ncatalog: ""\n', ':2:10', 'it is empty'],
    [
      'duplicate keys',
      'version: 1\ncatalog: a\ncatalog: b\n',
      ':3:1',
      'key "catalog" is there twice, first at tblctl.yaml:2:1',
    ],
    ['a tab', 'version: 1\nbackends:\n\ta: 1\n', ':3:1', 'a tab does not indent YAML'],
    ['an empty file', '', '', 'the file is empty'],
    ['only comments', '# nothing\n', '', 'the file is empty'],
    ['null', '~\n', '', 'the file is empty'],
    ['a list', '- version: 1\n', ':1:1', 'the file is a list'],
    ['a single value', 'hello\n', ':1:1', 'the file is a single value'],
    ['an open bracket', 'version: 1\nschemas: [a\n', ':3:1', 'this is no valid YAML'],
    ['two documents', 'version: 1\n---\nversion: 1\n', '', 'there is a second document'],
    ['an unknown tag', 'version: !!js/function x\n', ':1:10', 'this is no valid YAML: unknown scalar tag'],
    ['a list as key', '? [a]\n: 1\n', ':1:3', 'a key must be a plain word'],
    ['an alias as key', 'a: &x y\n*x : 1\n', ':2:1', 'a key must be a plain word'],
    ['an alias to nothing', 'version: *x\n', ':1:11', 'unidentified alias'],
    ['an alias in itself', 'version: 1\nschemas: &x [*x]\n', ':2:14', 'alias "*x" stands inside itself'],
    [
      'a dangerous key',
      'version: 1\nbackends: { __proto__: { driver: memory } }\n',
      ':2:13',
      '"__proto__" is not allowed',
    ],
    ['deep nesting', `a: ${'['.repeat(500)}`, ':1:103', 'this is no valid YAML'],
  ]
  test.each(cases)('%s', async (_, text, where, message) => {
    const view = await loadError(text)
    expect(view.message).toMatch(message)
    expect(view).toMatchObject({ kind: 'config', where: `tblctl.yaml${where}` })
  })

  test('points at the place', async () => {
    const view = await loadError('version: 1\nbackends:\n  a: { driver: memmory }\n')
    expect(view.message.split('\n').slice(1)).toEqual([
      '     3 |   a: { driver: memmory }',
      '       |                ^',
    ])
  })

  test('tells all mistakes at once, in the order of the file, each with its line', async () => {
    const view = await loadError(
      'version: 1\nbackends:\n  a: { driver: memory, fiel: x }\n  b: { driver: lakee }\n  c: { driver: lake }\nzzz: 1\n',
    )
    expect(view.where).toBe('tblctl.yaml:3:24')
    const heads = view.message.split('\n').filter((line) => !line.startsWith('  '))
    expect(heads).toEqual([
      'tblctl.yaml has 4 errors',
      'tblctl.yaml:3:24: unknown key "backends.a.fiel"; did you mean "file"?',
      'tblctl.yaml:4:16: backends.b.driver: unknown driver "lakee"; did you mean "lake"?',
      'tblctl.yaml:5:3: key "backends.c.url" is missing',
      'tblctl.yaml:6:1: unknown key "zzz"; known are version, catalog, schemas, backends, contexts, sync',
    ])
  })

  test('tells every duplicate key, and at most twenty mistakes', async () => {
    const twice = await loadError('version: 1\na: 1\na: 2\nversion: 1\n')
    expect(twice.message).toContain('tblctl.yaml has 2 errors')
    const many = await loadError(`version: 1\n${Array.from({ length: 30 }, (_, i) => `zzz${i}: 1\n`).join('')}`)
    expect(many.message).toContain('tblctl.yaml has 30 errors')
    expect(many.message).toContain('and 10 more')
    expect(many.message).not.toContain('zzz25')
  })

  test('cuts long lines around the place', async () => {
    const view = await loadError(`version: 1\nschemas: [${'"x", '.repeat(5000)}3]\n`)
    expect(view.where).toBe('tblctl.yaml:2:25011')
    const [, line = '', caret = ''] = view.message.split('\n')
    expect(line.length).toBeLessThan(150)
    expect(line[caret.indexOf('^')]).toBe('3')
  })

  test('shows control characters without obeying them', async () => {
    const view = await loadError('version: 1\n"\\e[31mx": 1\nb: "\u0085\u202e"\n')
    expect(view.message).toContain('\\u001b[31mx')
    expect(view.message).not.toMatch(/[\u001b\u0085\u202e]/)
  })

  test("a driver's hint is kept", async () => {
    const view = await loadError('version: 1\nbackends: { a: { driver: tblctl-driver-bar } }\n', {
      drivers: {
        ...drivers,
        load: () => Promise.reject(fail('config', 'x', 'not installed', { hint: 'npm i tblctl-driver-bar' })),
      },
    })
    expect(view.message).toContain('not installed; try: npm i tblctl-driver-bar')
  })

  test('aliases that unfold without end are refused before they are unfolded', async () => {
    const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`)
    const view = await loadError(`version: 1\nl0: &l0 [x, x]\n${levels.join('\n')}\n`)
    expect(view.message).toMatch(/unfold to more than 100000/)
  })

  test('too many aliases are refused', async () => {
    const view = await loadError(`version: 1\na: &a x\nschemas: [${Array(1500).fill('*a').join(', ')}]\n`)
    expect(view.message).toMatch(/no valid YAML: .*alias/)
  })

  test('a large file of mistakes is read in no time that grows with its square', async () => {
    const lines = Array.from({ length: 80_000 }, (_, i) => `k${i % 40_000}: 1\n`).join('')
    expect((await loadError(lines)).message).toContain('tblctl.yaml has 40000 errors')
  })

  test('a file that is too large, or no text', async () => {
    expect(await loadError(`#${'x'.repeat(1024 * 1024)}`)).toMatchObject({ kind: 'config', code: 'config-too-large' })
    const cwd = await temporaryFolder()
    await put(cwd, { 'other.yaml': new Uint8Array([0x76, 0xff, 0xfe, 0x00]) })
    const view = await loadError('', { cwd, flags: { config: 'other.yaml' } })
    expect(view).toMatchObject({ kind: 'config', code: 'config-not-text', where: 'other.yaml' })
  })
})
