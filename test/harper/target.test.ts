/** The target of a sync over a real Harper: what is stored, what replaces what, and what is refused by name. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Batch, Cell } from '../../src/core/batch.ts'
import type { Driver } from '../../src/core/driver.ts'
import { errorView } from '../../src/core/errors.ts'
import type { Subject } from '../../src/core/operation.ts'
import type { Checkpoint, SyncTarget } from '../../src/core/sync.ts'
import { type Field, formatType, parseType } from '../../src/core/types.ts'
import { driver as module } from '../../src/drivers/harper/module.ts'
import { Secret } from '../../src/settings/secret.ts'
import { context } from '../bigquery/world.ts'
import { HarperServer, password, username } from '../servers/harper.ts'

let harper: HarperServer
let driver: Driver
let target: SyncTarget
const open = (more: object = {}): Promise<Driver> => {
  const config = { url: harper.url, username, database: 'data', ...more }
  return module.open('edge', { ...config, password: new Secret('env:P', (more as any).given ?? password) }, {} as never)
}
beforeAll(async () => {
  harper = await HarperServer.start()
  driver = await open()
  target = driver.can['sync.target']!
})
afterAll(() => harper[Symbol.asyncDispose]())

const subject = (table: string): Subject => ({ kind: 'table', path: `edge/default/${table}`, spec: null })
const field = (name: string, type: string, nullable = true): Field => ({ name, type: parseType(type), nullable })
const instant = 'Timestamp(Microsecond, Some("UTC"))'
const plain = [field('id', 'Int64', false), field('at', instant), field('note', 'Utf8')]

/** Row-major cells as a batch. */
const batchOf = (fields: readonly Field[], rows: readonly (readonly Cell[])[]): Batch => ({
  fields,
  columns: fields.map((_, c) => rows.map((row) => row[c]!)),
  rows: rows.length,
})
const checkpoint = (sequence: number, more: Partial<Checkpoint> = {}): Checkpoint => ({
  sync: 's',
  cursor: { lane: 'time', time: '1969-12-31T23:59:59.999999Z', key: ['9007199254740993', 'é'] },
  watermark: null,
  fence: 7,
  sequence,
  recordsIngested: sequence * 2,
  ...more,
})
const stored = (table: string, ids: readonly string[]): Promise<any[]> =>
  harper.call({ operation: 'search_by_hash', database: 'data', table, hash_values: ids, get_attributes: ['*'] })
const thrown = async (work: Promise<unknown>) => {
  try {
    await work
  } catch (error) {
    return errorView(error)
  }
  throw new Error('it did not throw')
}
/** Writes rows into a table of its own name, made with a key. */
async function write(
  table: string,
  fields: readonly Field[],
  key: readonly string[],
  pages: readonly (readonly (readonly Cell[])[])[],
) {
  await target.ensure(subject(table), { fields, key }, context())
  let from = await target.checkpoint(subject(table), 's', context())
  for (const rows of pages) {
    const to = checkpoint((from?.sequence ?? 0) + 1)
    const page = { batch: batchOf(fields, rows), key, newest: key.length > 0 ? 'at' : null }
    expect(await target.write(subject(table), page, from, to, context())).toBe('committed')
    from = to
  }
}

/** Type, cell, and what Harper gives back. */
const samples: readonly (readonly [string, Cell, unknown])[] = [
  ['Boolean', false, false],
  ['Int8', -128, -128],
  ['UInt16', 65_535, 65_535],
  ['Int32', -(2 ** 31), -(2 ** 31)],
  ['UInt32', 4_294_967_295, 4_294_967_295],
  ['UInt64', 18_446_744_073_709_551_615n, '18446744073709551615'],
  ['Float64', 0.1, 0.1],
  ['Float64', Number.NaN, 'NaN'],
  ['Float32', Number.NEGATIVE_INFINITY, '-Infinity'],
  ['Utf8', 'a\u0000é😀', 'a\u0000é😀'],
  ['Binary', new Uint8Array([0, 255]), 'AP8='],
  ['Date32', -719_162, '0001-01-01'],
  ['Decimal128(38, 9)', '-99999999999999999999999999999.900000000', '-99999999999999999999999999999.900000000'],
  ['Json', '{"n":12345678901234567890}', '{"n":12345678901234567890}'],
  [instant, -1n, '1969-12-31T23:59:59.999999Z'],
  ['Timestamp(Microsecond, None)', 253402300799999999n, '9999-12-31T23:59:59.999999'],
  ['Timestamp(Nanosecond, Some("UTC"))', -1n, '1969-12-31T23:59:59.999999999Z'],
  ['List(Int64)', [9007199254740993n, 0n, null], ['9007199254740993', 0, null]],
  ['Struct("a": Decimal128(4, 2), "b": List(Date32))', ['1.50', [0]], { a: '1.50', b: ['1970-01-01'] }],
  ['Map(Utf8, Int64)', [['k', 1n]], [['k', 1]]],
]

describe('rows', () => {
  test('a value of each type, and NULL in each', async () => {
    const fields = [...plain, ...samples.map(([type], i) => field(`c${i}`, type))]
    const cells = samples.map(([, cell]) => cell)
    await write(
      'types',
      fields,
      ['id'],
      [
        [
          [1n, 0n, 'x', ...cells],
          [-5n, null, null, ...cells.map(() => null)],
        ],
      ],
    )
    const [full, empty] = await stored('types', ['1', '-5'])
    for (const [i, [type, , kept]] of samples.entries()) expect(full[`c${i}`], type).toEqual(kept)
    expect(empty).toEqual({
      id: '-5',
      at: null,
      note: null,
      ...Object.fromEntries(samples.map((_, i) => [`c${i}`, null])),
    })
    const described = await driver.describe(subject('types'), context())
    expect(described.schema.fields.map(({ type }) => formatType(type))).toEqual(
      fields.map(({ type }) => formatType(type)),
    )
    expect(described.status).toMatchObject({ rows: 2 })
  })

  test('64-bit integers are exact, as attributes and as keys: 0 too, which its BigInt loses', async () => {
    const two53 = 2n ** 53n
    const all = [-1n, 0n, 1n, two53 - 1n, two53, two53 + 1n, -two53 - 1n, 2n ** 63n - 1n, -(2n ** 63n)]
    const fields = [...plain, field('n', 'Int64')]
    await write('integers', fields, ['id'], [all.map((n) => [n, 0n, '', n])])
    const rows = await stored('integers', all.map(String))
    expect(rows.map((row) => [row.id, BigInt(row.n)])).toEqual(all.map((n) => [String(n), n]))
    // A number while it is exact as one, else its digits.
    expect(rows.map(({ n }) => typeof n).slice(0, 5)).toEqual(['number', 'number', 'number', 'number', 'string'])
    await write('plainly', fields, [], [[[0n, 0n, '', 0n]]])
    const all1 = { search_attribute: 'tblctl_id', search_value: '*', get_attributes: ['*'] }
    const found = await harper.call({ operation: 'search_by_value', database: 'data', table: 'plainly', ...all1 })
    expect(found).toMatchObject([{ id: 0, n: 0 }])
  })

  test('a newer row replaces an older one, and never the other way; of two in a page the newest stays', async () => {
    await write(
      'newest',
      plain,
      ['id'],
      [
        [
          [1n, 5n, 'five'],
          [2n, 5n, 'five'],
          [3n, null, 'none'],
          [4n, 1n, 'first'],
          [4n, 3n, 'third'],
          [4n, 2n, 'second'],
        ],
        [
          [1n, 4n, 'four'],
          [2n, 5n, 'five again'],
          [3n, 0n, 'zero'],
          [4n, null, 'none'],
        ],
      ],
    )
    const rows = await stored('newest', ['1', '2', '3', '4'])
    expect(rows.map(({ note }) => note)).toEqual(['five', 'five again', 'zero', 'third'])
  })

  test('more rows than one upsert takes, and a key of several columns', async () => {
    const rows = Array.from({ length: 2500 }, (_, i) => [BigInt(i), 0n, `n${i % 2}`] as const)
    await write('many', plain, ['id', 'note'], [rows])
    const [row] = await stored('many', ['["2499","n1"]'])
    expect(row).toMatchObject({ id: 2499, note: 'n1', tblctl_id: '["2499","n1"]' })
    expect((await driver.stats(subject('many'), { exact: true }, context())).status.rows).toBe(2500)
  })

  test('without a key each row is itself, equal ones too, and a page that is written again changes nothing', async () => {
    const page = [
      [1n, 0n, 'x'],
      [1n, 0n, 'x'],
      [1n, 0n, 'y'],
    ] as const
    await write('keyless', plain, [], [page, page])
    expect((await driver.stats(subject('keyless'), { exact: true }, context())).status.rows).toBe(3)
  })

  test('names with spaces, slashes and letters beyond ASCII; ids that are members of every object', async () => {
    const fields = [field('the key', 'Utf8'), field('at', instant), field('a/b', 'Utf8'), field('größe `x`', 'Utf8')]
    await write(
      'hostile',
      fields,
      ['the key'],
      [
        [
          ['__proto__', 0n, '1', '2'],
          ['constructor', 0n, '3', '4'],
          ['', 0n, '5', '6'],
        ],
      ],
    )
    const rows = await stored('hostile', ['__proto__', 'constructor', ''])
    expect(rows.map((row) => [row['a/b'], row['größe `x`']])).toEqual([
      ['1', '2'],
      ['3', '4'],
      ['5', '6'],
    ])
  })

  test.each([
    ['a NULL in the key', [null, 0n, ''], 'null-key', 'column id of the key is NULL in a row of 1970'],
    [
      'a key that is too long',
      ['é'.repeat(990), 0n, ''],
      'key-too-long',
      "has 1980 bytes, and Harper's have at most 1978: id = ééé",
    ],
  ] as const)('%s is refused, and the checkpoint stays', async (_what, row, code, message) => {
    const fields = [field('id', 'Utf8'), ...plain.slice(1)]
    await write('refused', fields, ['id'], [])
    const page = { batch: batchOf(fields, [row]), key: ['id'], newest: 'at' }
    const view = await thrown(target.write(subject('refused'), page, null, checkpoint(1), context()))
    expect(view).toMatchObject({ kind: 'data', code, message: expect.stringContaining(message) })
    expect(await target.checkpoint(subject('refused'), 's', context())).toBeNull()
  })
})

describe('the checkpoint', () => {
  const page = { batch: batchOf(plain, [[1n, 0n, 'x']]), key: ['id'], newest: 'at' }
  test('comes back as it was written; another one in its place is told, and then no row is written', async () => {
    const table = subject('kept')
    await target.ensure(table, { fields: plain, key: ['id'] }, context())
    expect(await target.checkpoint(table, 's', context())).toBeNull()
    expect(await target.write(table, page, null, checkpoint(1), context())).toBe('committed')
    expect(await target.checkpoint(table, 's', context())).toEqual(checkpoint(1))
    const other = { ...page, batch: batchOf(plain, [[2n, 0n, 'y']]) }
    expect(await target.write(table, other, null, checkpoint(1), context())).toBe('moved')
    expect(await target.write(table, other, checkpoint(1), checkpoint(2, { fence: 6 }), context())).toBe('fenced')
    expect(await stored('kept', ['2'])).toEqual([])
    const next = checkpoint(2, { watermark: '2024-01-01T00:00:00.000000Z', fence: 9_007_199_254_740_991 })
    expect(await target.write(table, other, checkpoint(1), next, context())).toBe('committed')
    expect(await target.checkpoint(table, 's', context())).toEqual(next)
  })
  test('is of one sync', async () => {
    await write('owned', plain, ['id'], [[[1n, 0n, 'x']]])
    const view = await thrown(target.checkpoint(subject('owned'), 'another', context()))
    expect(view).toMatchObject({
      kind: 'refused',
      code: 'other-sync',
      message: 'edge:default/owned is the target of sync s',
    })
  })
  test('that somebody moves while the rows are written is not overwritten', async () => {
    await write('raced', plain, ['id'], [[[1n, 0n, 'x']]])
    const theirs = { id: 'raced', ...checkpoint(2), cursor: JSON.stringify(checkpoint(2).cursor) }
    const upsert = { operation: 'upsert', database: 'data', table: 'tblctl_checkpoints', records: [theirs] }
    const { subscribe, unsubscribe } = await import('node:diagnostics_channel')
    let moved: Promise<unknown> | undefined
    const listener = (message: unknown) => {
      if ((message as { step: string }).step === 'harper.rows:before') moved = harper.call(upsert)
    }
    subscribe('tblctl:durable', listener)
    try {
      const slow = {
        ...page,
        batch: batchOf(
          plain,
          Array.from({ length: 3000 }, (_, i) => [BigInt(i), 1n, 'y']),
        ),
      }
      expect(await target.write(subject('raced'), slow, checkpoint(1), checkpoint(2, { fence: 8 }), context())).toBe(
        'moved',
      )
    } finally {
      unsubscribe('tblctl:durable', listener)
    }
    await moved
    expect(await target.checkpoint(subject('raced'), 's', context())).toEqual(checkpoint(2))
  })
})

describe('the table', () => {
  const ensure = (table: string, fields: readonly Field[], key: readonly string[]) =>
    target.ensure(subject(table), { fields, key }, context())
  test('is made once, gets what it lacks, and exact values in it', async () => {
    expect(await ensure('grown', plain, ['id'])).toEqual({ created: true, added: ['id', 'at', 'note'] })
    expect(await ensure('grown', plain, ['id'])).toEqual({ created: false, added: [] })
    const more = [...plain, field('n', 'Int64', false)]
    expect(await ensure('grown', more, ['id'])).toEqual({ created: false, added: ['n'] })
    await write('grown', more, ['id'], [[[1n, 0n, 'x', 9007199254740993n]]])
    await write('grown', more, ['id'], [[[2n, 0n, 'x', 0n]]])
    expect((await stored('grown', ['1', '2'])).map(({ n }) => n)).toEqual(['9007199254740993', 0])
    const { schema } = await driver.describe(subject('grown'), context())
    expect(schema.fields.at(-1)).toEqual({ ...field('n', 'Int64'), nullable: true })
  })
  test('of another program takes rows where its attributes allow it', async () => {
    const attributes = [
      { name: 'id', type: 'ID' },
      { name: 'note', type: 'String' },
      { name: 'n', type: 'Int' },
      { name: 'big', type: 'BigInt' },
    ]
    await harper.call({ operation: 'create_table', database: 'data', table: 'theirs', primary_key: 'id', attributes })
    expect(await ensure('theirs', plain, ['id'])).toEqual({ created: false, added: ['at'] })
    expect(await thrown(ensure('theirs', [...plain, field('n', 'Int64')], ['id']))).toMatchObject({
      kind: 'refused',
      code: 'type-changed',
      message: 'column n is Int here and Int64 in the source',
      where: 'edge:default/theirs',
    })
    expect(await thrown(ensure('theirs', [...plain, field('big', 'Int64')], ['id']))).toMatchObject({
      code: 'type-changed',
      message: 'column big is BigInt, in which Harper loses the value 0, here and Int64 in the source',
    })
  })
  test.each([
    [
      [...plain.slice(0, 2), field('note', 'Int64')],
      ['id'],
      'type-changed',
      'column note is Utf8 here and Int64 in the source',
    ],
    [plain, ['note'], 'other-key', 'its rows are told apart by id, not by note'],
    [
      [...plain, field('__proto__', 'Utf8')],
      ['id'],
      'name-unsupported',
      'Harper cannot keep a column named "__proto__"',
    ],
    [
      [...plain, field('s', 'Map(Utf8, List(Struct("constructor": Utf8)))')],
      ['id'],
      'name-unsupported',
      '"constructor"',
    ],
    [[...plain, field('__createdtime__', instant)], ['id'], 'name-unsupported', '"__createdtime__"'],
    [[...plain, field('tblctl_id', 'Utf8')], [], 'name-unsupported', 'cannot be named tblctl_id'],
  ])('what does not fit is refused by name (%#)', async (fields, key, code, message) => {
    await ensure('fixed', plain, ['id'])
    const view = await thrown(ensure('fixed', fields, key))
    expect(view).toMatchObject({ kind: 'refused', code, message: expect.stringContaining(message) })
  })
  test("tblctl's own tables are no tables", async () => {
    expect(await thrown(ensure('tblctl_checkpoints', plain, ['id']))).toMatchObject({ code: 'reserved-table' })
    await harper.call({ operation: 'create_table', database: 'data', table: 'a:b:c', primary_key: 'id' })
    await harper.call({ operation: 'create_table', database: 'data', table: 'spaced name', primary_key: 'id' })
    const paths = (await Array.fromAsync(driver.scan({}, context()))).map(({ path }) => path)
    expect(paths).toContain('edge/default/fixed')
    expect(paths.filter((path) => /tblctl_|:|spaced/.test(path))).toEqual([])
    expect(await Array.fromAsync(driver.scan({ project: 'none' }, context()))).toEqual([])
  })
})

describe('a Harper that does not do as it is told', () => {
  test('with another password: denied, and the password is in no message', async () => {
    await using other = await open({ given: 'hunter2' })
    const view = await thrown(other.describe(subject('types'), context()))
    expect(view).toMatchObject({
      kind: 'denied',
      code: 'harper-denied',
      message: expect.stringContaining('Login failed'),
    })
    expect((await other.ping(context())).map(({ ok }) => ok)).toEqual([false, false])
    expect(JSON.stringify(view)).not.toContain('hunter2')
  })
  test('not there', async () => {
    await using other = await open({ url: 'http://127.0.0.1:1' })
    const view = await thrown(other.can['sync.target']!.checkpoint(subject('types'), 's', context()))
    expect(view).toMatchObject({ kind: 'unreachable', code: 'harper-unreachable', retry: 'later' })
  })
  test('something else is there', async () => {
    const { createServer } = await import('node:http')
    const server = createServer((_request, response) => response.writeHead(503).end('<html>busy</html>')).listen(
      0,
      '127.0.0.1',
    )
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    await using other = await open({ url: `http://127.0.0.1:${port}` })
    const view = await thrown(other.describe(subject('types'), context()))
    server.close()
    expect(view).toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining('answers 503: <html>busy</html>'),
    })
  })
  test('a database that is not there has no tables, and is made with the first', async () => {
    await using other = await open({ database: 'second' })
    expect(await Array.fromAsync(other.scan({}, context()))).toEqual([])
    await other.can['sync.target']!.ensure(subject('t'), { fields: plain, key: ['id'] }, context())
    expect((await Array.fromAsync(other.scan({}, context()))).map(({ location }) => location)).toEqual(['second.t'])
  })
})
