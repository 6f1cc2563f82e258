import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TblctlError } from '../../../src/core/errors.ts'
import {
  formatRef,
  globMatches,
  isProjectRef,
  parsePattern,
  parseProjectRef,
  parseRef,
  printable,
  refOfPath,
  segmentsOf,
  tablePath,
} from '../../../src/core/ref.ts'

const refusal = (act: () => unknown) => {
  try {
    act()
  } catch (error) {
    if (error instanceof TblctlError) return error.view
    throw error
  }
  throw new Error('nothing was refused')
}

const letters = 'abcxyzABZ0189'
const backend = fc.string({ unit: fc.constantFrom(...'abz019-'), maxLength: 31 }).map((rest) => `l${rest}`)
const segment = fc
  .tuple(
    fc.constantFrom(...letters, '_'),
    fc.string({ unit: fc.constantFrom(...letters, '_', '.', '-'), maxLength: 127 }),
  )
  .map(([first, rest]) => first + rest)

describe('refs', () => {
  test.each([
    ['metrics', { backend: null, project: 'default', table: 'metrics' }],
    ['acme/metrics', { backend: null, project: 'acme', table: 'metrics' }],
    ['lake:metrics', { backend: 'lake', project: 'default', table: 'metrics' }],
    ['lake:acme/metrics.v1', { backend: 'lake', project: 'acme', table: 'metrics.v1' }],
    ['_x/0-1', { backend: null, project: '_x', table: '0-1' }],
  ])('%s is read', (text, ref) => {
    expect(parseRef(text)).toEqual(ref)
  })

  test('formatRef and parseRef, paths and refs are inverse', () => {
    fc.assert(
      fc.property(fc.option(backend, { nil: null }), segment, segment, (backend, project, table) => {
        const ref = { backend, project, table }
        expect(parseRef(formatRef(ref))).toEqual(ref)
        if (backend === null) return
        const path = tablePath(backend, project, table)
        expect(segmentsOf(path)).toEqual(ref)
        expect(parseRef(refOfPath(path))).toEqual(ref)
        expect(parseProjectRef(refOfPath(`${backend}/${project}`, 'project'))).toEqual({ backend, project })
      }),
    )
  })

  test('other paths are shown as they are', () => {
    expect(refOfPath('sync/orders', 'sync')).toBe('sync/orders')
    expect(refOfPath('lake', 'backend')).toBe('lake')
  })

  test.each([
    ['', 'names a project'],
    ['a/b/c', 'more than one "/"'],
    ['a//b', 'more than one "/"'],
    ['/b', 'its project is empty'],
    ['acme/', 'names a project, not a table'],
    [':t', 'is no backend name'],
    ['Lake:t', 'is no backend name'],
    ['1ake:t', 'is no backend name'],
    [`${'a'.repeat(33)}:t`, 'at most 32 characters'],
    ['..', 'is no name'],
    ['.', 'is no name'],
    ['../etc/passwd', 'more than one "/"'],
    ['lake:../x', 'its project ".." is no name'],
    ['lake:acme/..', 'its table ".." is no name'],
    ['.hidden', 'is no name'],
    ['-rf', 'is no name'],
    ['a b', 'is no name'],
    ['a:b:c', 'is no name'],
    ['a\\b', 'is no name'],
    ['täble', 'is no name'],
    ["t'; drop table x", 'is no name'],
    ['t\u0000', 'is no name'],
    ['t\n', 'is no name'],
    ['a'.repeat(129), 'at most 128 characters'],
    ['*', 'is no name'],
  ])('%j is refused', (text, why) => {
    const view = refusal(() => parseRef(text))
    expect(view).toMatchObject({ kind: 'usage', code: 'bad-ref' })
    expect(view.message).toContain(why)
    expect(view.hint).toBeTruthy()
  })

  test('whatever is typed, only our own error comes back, and its message shows no control character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const parse of [parseRef, parseProjectRef, parsePattern])
          try {
            parse(text)
          } catch (error) {
            expect(error).toBeInstanceOf(TblctlError)
            expect((error as TblctlError).message).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/)
          }
      }),
    )
  })
})

describe('project refs', () => {
  test('are told by their slash', () => {
    expect(parseProjectRef('lake:acme/')).toEqual({ backend: 'lake', project: 'acme' })
    expect(parseProjectRef('acme/')).toEqual({ backend: null, project: 'acme' })
    expect(isProjectRef('acme/')).toBe(true)
    expect(isProjectRef('acme/t')).toBe(false)
  })
  test.each(['acme', 'a/b/', '/', 'lake:', '../', 'a b/'])('%j is refused', (text) => {
    expect(refusal(() => parseProjectRef(text))).toMatchObject({ code: 'bad-ref' })
  })
})

describe('patterns', () => {
  test.each([
    ['lake:*/metrics', { backend: 'lake', project: '*', table: 'metrics' }],
    ['acme/', { backend: null, project: 'acme', table: '*' }],
    ['*', { backend: null, project: 'default', table: '*' }],
    ['*:*/*', { backend: '*', project: '*', table: '*' }],
    ['acme/m?trics', { backend: null, project: 'acme', table: 'm?trics' }],
    ['acme/metrics', { backend: null, project: 'acme', table: 'metrics' }],
  ])('%s', (text, pattern) => {
    expect(parsePattern(text)).toEqual({ ...pattern, text })
  })
  test.each(['a/*/c', '*:x:y', 'A*:t', '../*', 'a b*', '*/..', `*${'a'.repeat(128)}`, '[a]*', '*\u0000'])(
    '%j is refused',
    (text) => {
      expect(refusal(() => parsePattern(text))).toMatchObject({ kind: 'usage', code: 'bad-ref' })
    },
  )

  test.each([
    ['*', 'anything', true],
    ['m*', 'metrics', true],
    ['*s', 'metrics', true],
    ['m*t*s', 'metrics', true],
    ['m?trics', 'metrics', true],
    ['m?trics', 'mtrics', false],
    ['metrics', 'metrics', true],
    ['metric', 'metrics', false],
    ['*.v1', 'a.v1', true],
    ['*.v1', 'axv1', false],
    ['a*', 'b', false],
    ['*a*a*b', 'aaaaaaaaaaaaaaaaaaaaaaaa', false],
    ['**', 'a', true],
  ])('%s and %s: %s', (glob, name, matches) => {
    expect(globMatches(glob, name)).toBe(matches)
  })

  test('a name matches itself with letters blotted out', () => {
    fc.assert(
      fc.property(segment, fc.nat(), fc.nat(), (name, a, b) => {
        const [from, to] = [a % name.length, b % name.length].sort((x, y) => x - y) as [number, number]
        expect(globMatches(`${name.slice(0, from)}*${name.slice(to)}`, name)).toBe(true)
        expect(globMatches(`${name.slice(0, from)}?${name.slice(from + 1)}`, name)).toBe(true)
        expect(globMatches(`${name}?`, name)).toBe(false)
      }),
    )
  })
})

test('printable shows what is hidden and keeps it short', () => {
  expect(printable('a\u001b[31m\r\n\u0007\u009b')).toBe('a\\u001b[31m\\u000d\\u000a\\u0007\\u009b')
  expect(printable('user\u202egpj.exe\u2066')).toBe('user\\u202egpj.exe\\u2066')
  expect(printable('grün 😀')).toBe('grün 😀')
  expect(printable('x'.repeat(1000))).toHaveLength(201)
})

test('a glob of many stars is matched in no time, and hostile text is shown, not obeyed', () => {
  expect(globMatches(`${'*a'.repeat(40)}b`, 'a'.repeat(120))).toBe(false)
  expect(globMatches('a*?c', 'abbc')).toBe(true)
  expect(globMatches('a?', 'a')).toBe(false)
  expect(printable('\u001b[2J\u200b\ud800')).toBe('\\u001b[2J\\u200b\ufffd')
  expect([...printable('😀'.repeat(300))]).toHaveLength(201)
  expect(() => parseRef('\u001b[2J/')).toThrow(
    expect.objectContaining({ view: expect.objectContaining({ hint: expect.not.stringContaining('\u001b') }) }),
  )
})
