import fc from 'fast-check'
import { load } from 'js-yaml'
import { describe, expect, it } from 'vitest'
import type { CommandModule } from '../../../src/cli/command.ts'
import { jsonText } from '../../../src/cli/output/json.ts'
import { clean, displayWidth, shorten, wrap } from '../../../src/cli/output/text.ts'
import type { View } from '../../../src/cli/output/view.ts'
import { runCli } from '../../support/run-cli.ts'
import { columns, listCommand, rows, withVerbs } from './fake-verbs.ts'

const list = (...argv: string[]) => runCli(['list', ...argv], { verbs: withVerbs([listCommand]) })
const show = (view: View): CommandModule => ({
  name: 'show',
  summary: 'Show a view',
  examples: [],
  takes: ['output'],
  columns: 'dynamic',
  run: (context) => context.print(view),
})
const print = (view: View, argv: string[] = [], tty = false) =>
  runCli(['show', ...argv], {
    verbs: withVerbs([show(view)]),
    tty: { stdout: tty },
    columns: 40,
    env: { NO_COLOR: '1' },
  })

describe('lists', () => {
  it.each([
    [
      'table',
      'REF                            ROWS\nlake:acme/metrics                12\nlake:acme/events                  -\nlake:acme/logs     9007199254740993\n',
    ],
    ['name', 'lake:acme/metrics\nlake:acme/events\nlake:acme/logs\n'],
    ['csv', 'ref,rows,note\nlake:acme/metrics,12,"a, ""b"""\nlake:acme/events,,\nlake:acme/logs,9007199254740993,\n'],
    [
      'ndjson',
      '{"ref":"lake:acme/metrics","rows":12,"note":"a, \\"b\\""}\n{"ref":"lake:acme/events","rows":null}\n{"ref":"lake:acme/logs","rows":"9007199254740993"}\n',
    ],
  ])('as %s', async (format, text) => {
    expect(await list('-o', format)).toMatchObject({ code: 0, stderr: '', stdout: text })
  })

  it('as json and yaml with one envelope and exact integers', async () => {
    const json = JSON.parse((await list('-o', 'json')).stdout)
    expect(json).toEqual({
      apiVersion: 'tblctl/v1',
      kind: 'TableList',
      items: [rows[0], rows[1], { ref: 'lake:acme/logs', rows: '9007199254740993' }],
    })
    expect(load((await list('-o', 'yaml')).stdout)).toEqual(json)
  })

  it('as wide, which says why something is unknown', async () => {
    expect((await list('-o', 'wide')).stdout).toContain('? (the log has no statistics)')
    expect((await list()).stdout).not.toContain('statistics')
  })

  it('with chosen columns, in any order and without headers', async () => {
    expect((await list('--columns', 'note, ref', '--no-headers')).stdout.split('\n')[0]).toBe(
      'a, "b"  lake:acme/metrics',
    )
    expect((await list('-o', 'csv', '--columns', 'rows')).stdout).toBe('rows\n12\n\n9007199254740993\n')
  })

  it('sorted, numbers as numbers and unknown ones last', async () => {
    const refs = async (key: string) => (await list('-o', 'name', '--sort-by', key)).stdout.trim().split('\n')
    expect(await refs('rows')).toEqual(['lake:acme/metrics', 'lake:acme/logs', 'lake:acme/events'])
    expect(await refs('rows:desc')).toEqual(['lake:acme/logs', 'lake:acme/metrics', 'lake:acme/events'])
    expect(await refs('ref:asc')).toEqual(['lake:acme/events', 'lake:acme/logs', 'lake:acme/metrics'])
  })

  it('empty', async () => {
    expect(await list('nothing')).toMatchObject({ stdout: '', stderr: 'no tables\n' })
    expect(JSON.parse((await list('nothing', '-o', 'json')).stdout).items).toEqual([])
    expect((await list('nothing', '-o', 'csv')).stdout).toBe('ref,rows,note\n')
  })

  it('from a stream, under another key and with more around it', async () => {
    const stream = (count: number): View => ({
      is: 'list',
      kind: 'QueryResult',
      key: 'rows',
      before: { columns: [{ name: 'n', type: 'Int64' }] },
      after: { seen: count },
      columns: [{ name: 'n', value: (row: { n: number }) => row.n }],
      items: (async function* () {
        for (let n = 0; n < count; n++) yield { n }
      })(),
    })
    const whole = {
      apiVersion: 'tblctl/v1',
      kind: 'QueryResult',
      columns: [{ name: 'n', type: 'Int64' }],
      rows: [{ n: 0 }, { n: 1 }],
      seen: 2,
    }
    expect((await print(stream(2), ['-o', 'json'])).stdout).toBe(`${JSON.stringify(whole, null, 2)}\n`)
    expect((await print(stream(0), ['-o', 'json'])).stdout).toBe(
      `${JSON.stringify({ ...whole, rows: [], seen: 0 }, null, 2)}\n`,
    )
    const table = (await print(stream(30_000))).stdout.trimEnd().split('\n')
    expect([table.length, table[0], table.at(-1)]).toEqual([30_001, 'N', '29999'])
    expect((await print(stream(2), ['--columns', 'm'])).code).toBe(64)
    expect((await print(stream(3), ['-o', 'name', '--sort-by', 'n:desc'])).stdout).toBe('2\n1\n0\n')
  })

  it('shortened on a terminal only, and nothing there is obeyed', async () => {
    const view: View = { is: 'list', kind: 'X', columns, items: [{ ref: `\u001b[2J${'x'.repeat(80)}`, rows: 1 }] }
    const terminal = (await print(view, [], true)).stdout
    expect(terminal).not.toContain('\u001b')
    expect(Math.max(...terminal.split('\n').map((line) => line.length))).toBeLessThanOrEqual(40)
    expect(terminal).toContain('…')
    expect((await print(view)).stdout).toContain('x'.repeat(80))
    expect((await print(view, ['-o', 'csv'], true)).stdout).not.toContain('\u001b')
    expect((await print(view, ['-o', 'json'])).stdout).toContain('\\u001b[2J')
    expect((await print(view, ['-o', 'name'])).stdout).not.toContain('\u001b')
  })

  it('keeps wide characters aligned', async () => {
    const items = [
      { ref: '表一', rows: 1 },
      { ref: 'ab', rows: 22 },
    ]
    const lines = (await print({ is: 'list', kind: 'X', columns, items })).stdout.trimEnd().split('\n')
    expect(lines.map(displayWidth)).toEqual([10, 10, 10])
  })
})

describe('objects', () => {
  const view: View = {
    is: 'object',
    kind: 'Table',
    object: { ref: 'lake:acme/metrics', status: { rows: null, bytes: 12n } },
    name: 'lake:acme/metrics',
    sections: [
      { lines: [{ label: 'ref', value: 'lake:acme/metrics' }] },
      {
        title: 'Status',
        lines: [
          { label: 'bytes', value: 12n, text: '12 B' },
          { label: 'rows', value: null, unknown: 'never counted' },
          { label: 'x', value: null },
        ],
      },
      {
        title: 'Columns',
        table: { columns: [{ name: 'name', value: (field: any) => field.name }], items: [{ name: 'id' }] },
      },
    ],
  }
  it('as text, json, yaml, name and ndjson', async () => {
    expect((await print(view)).stdout).toBe(
      'ref    lake:acme/metrics\n\nStatus\n  bytes  12 B\n  rows   ? (never counted)\n  x      -\n\nColumns\n  NAME\n  id\n',
    )
    const json = JSON.parse((await print(view, ['-o', 'json'])).stdout)
    expect(json).toEqual({
      apiVersion: 'tblctl/v1',
      kind: 'Table',
      ref: 'lake:acme/metrics',
      status: { rows: null, bytes: 12 },
    })
    expect(load((await print(view, ['-o', 'yaml'])).stdout)).toEqual(json)
    expect((await print(view, ['-o', 'name'])).stdout).toBe('lake:acme/metrics\n')
    expect((await print(view, ['-o', 'ndjson'])).stdout).toBe(
      '{"ref":"lake:acme/metrics","status":{"rows":null,"bytes":12}}\n',
    )
    expect(await print(view, ['-o', 'csv'])).toMatchObject({ code: 64, stdout: '' })
  })
})

describe('text', () => {
  it('prints what JSON has no word for', () => {
    const value = {
      big: 2n ** 63n,
      at: new Date(0),
      bytes: new Uint8Array([1, 2]),
      buffer: Buffer.from('ab'),
      nan: Number.NaN,
      far: Number.POSITIVE_INFINITY,
      none: undefined,
    }
    expect(JSON.parse(jsonText(value))).toEqual({
      big: '9223372036854775808',
      at: '1970-01-01T00:00:00.000Z',
      bytes: 'AQI=',
      buffer: 'YWI=',
      nan: 'NaN',
      far: 'Infinity',
    })
  })

  it('keeps every string through JSON, and no terminal obeys it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = jsonText({ text })
        expect(JSON.parse(json)).toEqual({ text })
        expect(json).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
        expect(clean(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/)
      }),
    )
  })

  it('shortens to the width it was given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 20 }), (text, width) => {
        expect(displayWidth(shorten(clean(text), width))).toBeLessThanOrEqual(width)
      }),
    )
    expect(shorten('日本語', 4)).toBe('日…')
    expect(displayWidth('e\u0301👍🏽')).toBe(3)
  })

  it('wraps at spaces', () => {
    expect(wrap('one two three\nfour', 7)).toEqual(['one two', 'three', 'four'])
    expect(wrap('unbreakable', 3)).toEqual(['unbreakable'])
  })
})
