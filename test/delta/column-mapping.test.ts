/** Tables whose columns are called otherwise in the files than people call them: renamed, dropped, added again, nested, by name and by id. */
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import type { SyncTarget } from '../../src/core/sync.ts'
import { parseType } from '../../src/core/types.ts'
import type { Metadata } from '../../src/drivers/delta/log/actions.ts'
import { columnMappingOf, physicalFields, withMappedColumns } from '../../src/drivers/delta/log/column-mapping.ts'
import { type Engine, openEngine } from '../../src/engine/engine.ts'
import { quotePath, quoteString } from '../../src/engine/sql-text.ts'
import { type Chdb, deltaTable, startChdb } from '../support/chdb.ts'
import { sessionWith } from './with-store.ts'
import {
  commitAs,
  contentOf,
  create,
  Lake,
  type LogAction,
  liveOf,
  loadInto,
  logOf,
  optimize,
  register,
  rowsOf,
} from './world.ts'

let lake: Lake
let chdb: Chdb
let engine: Engine
let tblctl: Tblctl
beforeAll(async () => {
  const named = (name: string, type: string): string => `  - { name: ${name}, data_type: ${type}, nullable: true }\n`
  const all = named('id', 'Int64') + named('p', 'Utf8') + named('amount', 'Int64') + named('gone', 'Utf8')
  lake = new Lake({ verbs: `table_name: verbs\npartitions: [p]\nfields:\n${all}` })
  chdb = startChdb(lake.folder)
  engine = await openEngine({ scratch: lake.path('scratch') })
  tblctl = await lake.open()
})
afterAll(async () => {
  await engine[Symbol.asyncDispose]()
  await chdb[Symbol.asyncDispose]()
  await lake[Symbol.asyncDispose]()
})

/** A field of a schemaString, named by its id and physical name. */
const column = (id: number, physical: string, name: string, type: unknown): LogAction => ({
  name,
  type,
  nullable: true,
  metadata: { 'delta.columnMapping.id': id, 'delta.columnMapping.physicalName': physical },
})
const struct = (...fields: LogAction[]): LogAction => ({ type: 'struct', fields })
const list = (elementType: unknown): LogAction => ({ type: 'array', elementType, containsNull: true })
const map = (keyType: unknown, valueType: unknown): LogAction => ({
  type: 'map',
  keyType,
  valueType,
  valueContainsNull: true,
})

/**
 * Was `id, name, gone, p, place {town}, items [{s}], tags {text: {v}}`. Then `name` became `label`, a new `name` came, `gone` went and
 * came again as another column, `p` became `part`, and the nested ones were renamed and got neighbours.
 */
const fields = [
  column(1, 'id', 'id', 'long'),
  column(2, 'name', 'label', 'string'),
  column(3, 'col-part', 'part', 'string'),
  column(4, 'col-place', 'place', struct(column(5, 'town', 'city', 'string'), column(6, 'col-zip', 'town', 'integer'))),
  column(7, 'items', 'items', list(struct(column(8, 's', 'sku', 'string'), column(9, 'col-q', 's', 'integer')))),
  column(10, 'tags', 'tags', map('string', struct(column(11, 'v', 'value', 'integer')))),
  column(12, 'col-name', 'name', 'string'),
  column(13, 'col-gone', 'gone', 'long'),
]
const firstIds =
  '{id: 1, name: 2, gone: 99, "col-place": {__duckdb_field_id: 4, town: 5}, items: {__duckdb_field_id: 7, element: {s: 8}}, tags: {__duckdb_field_id: 10, value: {v: 11}}}'
const firstRow = `SELECT 1::BIGINT AS id, 'one' AS name, 'old' AS gone, {'town': 'Berlin'} AS "col-place",
  [{'s': 'x'}, NULL] AS items, MAP {'k': {'v': 5}} AS tags`
const secondIds =
  '{id: 1, name: 2, "col-place": {__duckdb_field_id: 4, town: 5, "col-zip": 6}, items: {__duckdb_field_id: 7, element: {s: 8, "col-q": 9}}, "col-name": 12, "col-gone": 13}'
const secondRow = `SELECT 2::INTEGER AS id, 'two' AS name, {'town': 'Rom', 'col-zip': 7} AS "col-place",
  [{'s': 'y', 'col-q': 3}] AS items, 'new' AS "col-name", 8::BIGINT AS "col-gone"`
const wanted = [
  [1n, 'one', 'a%b', ['Berlin', null], [['x', null], null], [['k', [5]]], null, null],
  [2n, 'two', null, ['Rom', 7], [['y', 3]], null, 'new', 8n],
]
const all = 'SELECT * FROM t ORDER BY id'

interface MappedTable {
  readonly mode?: string
  readonly protocol?: LogAction
  readonly schema?: readonly LogAction[]
  readonly partitions?: readonly string[]
  readonly configuration?: Readonly<Record<string, string>>
}

const protocolOf = (readerFeatures: readonly string[], writerFeatures = readerFeatures): LogAction => ({
  minReaderVersion: 3,
  minWriterVersion: 7,
  readerFeatures,
  writerFeatures,
})

function mappedTable(
  name: string,
  { mode = 'name', protocol, schema = fields, partitions = ['part'], configuration }: MappedTable,
): string {
  const table = lake.path(`mapped/${name}`)
  mkdirSync(join(table, '_delta_log'), { recursive: true })
  commitAs(table, [
    { protocol: protocol ?? { minReaderVersion: 2, minWriterVersion: 5 } },
    {
      metaData: {
        id: name,
        format: { provider: 'parquet', options: {} },
        schemaString: JSON.stringify(struct(...schema)),
        partitionColumns: partitions,
        configuration: { 'delta.columnMapping.mode': mode, 'delta.columnMapping.maxColumnId': '13', ...configuration },
      },
    },
  ])
  return table
}

async function addFile(
  table: string,
  name: string,
  select: string,
  ids: string | null,
  part: string | null,
): Promise<void> {
  const options = ['FORMAT parquet', ...(ids === null ? [] : [`FIELD_IDS ${ids}`])]
  await engine.run(`COPY (${select}) TO ${quoteString(join(table, name))} (${options.join(', ')})`)
  const { size } = statSync(join(table, name))
  const stats = '{"numRecords":1}'
  commitAs(table, [
    { add: { path: name, partitionValues: { 'col-part': part }, size, modificationTime: 1, dataChange: true, stats } },
  ])
}

/** Both kinds of files, under a ref. */
async function filled(name: string, more: MappedTable): Promise<{ readonly table: string; readonly ref: string }> {
  const table = mappedTable(name, more)
  await addFile(table, 'one.parquet', firstRow, firstIds, 'a%b')
  await addFile(table, 'two.parquet', secondRow, secondIds, null)
  const ref = `lake:mapped/${name}`
  expect(await register(tblctl, ref, `file:${table}`)).toMatchObject({ status: 'changed' })
  return { table, ref }
}

/** Names and ids of every column in a file. */
async function columnsIn(path: string): Promise<unknown[][]> {
  const rows = await engine.all(`SELECT name, field_id FROM parquet_schema(${quotePath(path)})`)
  return rows.slice(1).map((row) => [row.name, row.field_id === null ? null : Number(row.field_id)])
}

describe.each(['name', 'id'])('column mapping by %s', (mode) => {
  it('reads renamed, dropped and re-added columns, nested ones too, and writes them so that others do', async () => {
    const { table, ref } = await filled(`both-${mode}`, { mode })
    expect(await rowsOf(tblctl, ref, all)).toEqual(wanted)
    expect(await rowsOf(tblctl, ref, "SELECT id, gone FROM t WHERE part = 'a%b' AND gone IS NULL")).toEqual([
      [1n, null],
    ])
    expect((await tblctl.describe(ref)).schema).toMatchObject({
      partitions: ['part'],
      fields: fields.map(({ name }) => ({ name })),
    })

    const row = {
      id: 3,
      label: 'drei',
      part: 'c d',
      place: { city: 'Ulm', town: 9 },
      items: [{ sku: 'z', s: 4 }],
      tags: { m: { value: 6 } },
    }
    const input = lake.rows(`${mode}.ndjson`, [
      { ...row, name: 'neu', gone: 10 },
      { id: 4, part: 'e/f', place: null, items: [null] },
    ])
    expect(await loadInto(tblctl, lake.folder, ref, [input])).toMatchObject({ status: 'changed', result: { rows: 2 } })
    const loaded = [
      [3n, 'drei', 'c d', ['Ulm', 9], [['z', 4]], [['m', [6]]], 'neu', 10n],
      [4n, null, 'e/f', null, [null], null, null, null],
    ]
    expect(await rowsOf(tblctl, ref, all)).toEqual([...wanted, ...loaded])

    const adds = logOf(table)
      .at(-1)!
      .flatMap(({ add }) => (add ? [add as LogAction] : []))
    const [third] = adds.filter(({ partitionValues }) => partitionValues['col-part'] === 'c d')
    expect(adds.map(({ partitionValues }) => partitionValues)).toEqual(
      expect.arrayContaining([{ 'col-part': 'c d' }, { 'col-part': 'e/f' }]),
    )
    expect(JSON.parse(third!.stats)).toEqual({
      numRecords: 1,
      minValues: { id: 3, name: 'drei', 'col-name': 'neu', 'col-gone': 10 },
      maxValues: { id: 3, name: 'drei', 'col-name': 'neu', 'col-gone': 10 },
      nullCount: { id: 0, name: 0, 'col-name': 0, 'col-gone': 0 },
    })
    expect(await columnsIn(join(table, decodeURIComponent(third!.path)))).toEqual([
      ...[
        ['id', 1],
        ['name', 2],
        ['col-place', 4],
        ['town', 5],
        ['col-zip', 6],
      ],
      ...[
        ['items', 7],
        ['list', null],
        ['element', null],
        ['s', 8],
        ['col-q', 9],
      ],
      ...[
        ['tags', 10],
        ['key_value', null],
        ['key', null],
        ['value', null],
        ['v', 11],
      ],
      ...[
        ['col-name', 12],
        ['col-gone', 13],
      ],
    ])
    // The kernel in chdb reads structs inside of lists and maps wrongly here; the rest it reads.
    const theirs = async (columns: string): Promise<unknown[][]> => {
      const rows = await chdb.query(`SELECT ${columns} FROM ${deltaTable(table)} ORDER BY id`)
      return rows.map((cells) => cells.map((cell) => (typeof cell === 'number' ? String(cell) : cell)))
    }
    const known = [...wanted, ...loaded].map(([id, label, part, place, , , name, gone]) => {
      const [city, town] = (place ?? [null, null]) as [string | null, number | null]
      return [String(id), label, part, { city, town }, name, gone === null ? null : String(gone)]
    })
    expect(await theirs('id, label, part, place, name, gone')).toEqual(known)

    // A partition of two files becomes one, whatever each of them calls its columns.
    await addFile(table, 'three.parquet', firstRow.replace('1::BIGINT', '5::BIGINT'), firstIds, 'a%b')
    const before = await contentOf(tblctl, ref)
    expect(await optimize(tblctl, ref)).toMatchObject({ status: 'changed', result: { filesRemoved: 2, filesAdded: 1 } })
    expect(await contentOf(tblctl, ref)).toEqual(before)
    const packed = liveOf(table).find(({ partitionValues }) => partitionValues['col-part'] === 'a%b')!
    expect(JSON.parse(packed.stats)).toMatchObject({ numRecords: 2, minValues: { id: 1, name: 'one' } })
    expect(await theirs('id, label, part')).toEqual([...known, ['5', 'one', 'a%b']].map((cells) => cells.slice(0, 3)))
  })
})

describe('column mapping by id', () => {
  it('finds columns whatever a file calls them, and nothing by a name alone', async () => {
    const table = mappedTable('any-names', { mode: 'id' })
    const select = `SELECT 'lbl' AS "Id", 5::BIGINT AS whatever, {'a': 1::INTEGER, 'town': 'Bonn'} AS pl, 'not mine' AS "col-name"`
    await addFile(
      table,
      'any.parquet',
      select,
      '{"Id": 2, whatever: 1, pl: {__duckdb_field_id: 4, a: 6, town: 5}, "col-name": 77}',
      'x',
    )
    const ref = 'lake:mapped/any-names'
    await register(tblctl, ref, `file:${table}`)
    expect(await rowsOf(tblctl, ref, all)).toEqual([[5n, 'lbl', 'x', ['Bonn', 1], null, null, null, null]])
    await addFile(table, 'plain.parquet', secondRow, null, 'x')
    await expect(rowsOf(tblctl, ref, all)).rejects.toMatchObject({
      view: { kind: 'data', code: 'no-field-ids', where: join(table, 'plain.parquet') },
    })
  })
})

describe('a mapping', () => {
  it('counts only where the protocol has the feature', async () => {
    const schema = [column(1, 'col-a', 'a', 'long')]
    for (const [name, protocol, expected] of [
      ['old', { minReaderVersion: 1, minWriterVersion: 2 }, 1n],
      ['unlisted', protocolOf(['deletionVectors']), 1n],
      ['listed', protocolOf(['columnMapping']), 2n],
    ] as const) {
      const table = mappedTable(name, { protocol, schema, partitions: [] })
      await addFile(table, 'a.parquet', 'SELECT 1::BIGINT AS a, 2::BIGINT AS "col-a"', null, null)
      const ref = `lake:mapped/${name}`
      await register(tblctl, ref, `file:${table}`)
      expect(await rowsOf(tblctl, ref, 'SELECT a FROM t'), name).toEqual([[expected]])
    }
  })

  it.each([
    ['another mode', { mode: 'path' }, 'its mode is path'],
    [
      'no physical name',
      { schema: [{ ...fields[0]!, metadata: { 'delta.columnMapping.id': 1 } }] },
      'no physical name',
    ],
    ['no id', { schema: [column(-1, 'a', 'a', 'long')] }, 'at a: it has no id'],
    [
      'two names alike',
      { schema: [column(1, 'c', 'a', 'long'), column(2, 'C', 'b', 'long')] },
      'the same physical name',
    ],
    [
      'two ids alike',
      { schema: [column(1, 'a', 'a', list(struct(column(2, 'x', 'x', 'long')))), column(2, 'b', 'b', 'long')] },
      'another column has the id 2',
    ],
    [
      'a map without',
      { schema: [column(1, 'm', 'm', map('string', struct({ name: 'v', type: 'long' })))] },
      'm.value.v',
    ],
  ])('that cannot be is refused: %s', async (name, more, says) => {
    const table = mappedTable(`bad ${name}`, { ...more, partitions: [] })
    expect(await register(tblctl, `lake:mapped/bad-${name.replaceAll(' ', '-')}`, `file:${table}`)).toMatchObject({
      status: 'failed',
      error: { kind: 'data', code: 'bad-column-mapping', message: expect.stringContaining(says) },
    })
  })

  it('grows by new columns, nested ones too, and never gives an id twice', () => {
    const known = column(4, 'a', 'a', struct(column(9, 'x', 'x', 'long'), { name: 'y', type: 'long', nullable: true }))
    const metadata: Metadata & { schemaString: string } = {
      id: 'x',
      format: { provider: 'parquet', options: {} },
      schemaString: JSON.stringify(
        struct(known, { name: 'b', type: list(map('string', struct({ name: 'z', type: 'long' }))), nullable: true }),
      ),
      partitionColumns: [],
      configuration: { 'delta.columnMapping.mode': 'name', 'delta.columnMapping.maxColumnId': '20' },
    }
    const grown = withMappedColumns(metadata)
    expect(grown.configuration['delta.columnMapping.maxColumnId']).toBe('23')
    const mapping = columnMappingOf({ minReaderVersion: 2, minWriterVersion: 5 }, grown)
    const named = physicalFields(mapping, [
      { name: 'b', type: parseType('List(Map(Utf8, Struct("z": Int64)))'), nullable: true },
      { name: 'a', type: parseType('Struct("x": Int64, "y": Int64)'), nullable: true },
    ])
    const generated = expect.stringMatching(/^col-[0-9a-f-]{36}$/)
    expect(named).toMatchObject([
      { name: generated, type: { item: { value: { fields: [{ name: generated }] } } } },
      { name: 'a', type: { fields: [{ name: 'x' }, { name: generated }] } },
    ])
    expect(withMappedColumns(grown)).toEqual(grown)
    // An upgrade: what is in the files already keeps its name, and ids count from one.
    const plain = { ...metadata, schemaString: JSON.stringify(struct({ name: 'n', type: 'long' })), configuration: {} }
    expect(JSON.parse(withMappedColumns(plain, (name) => name).schemaString).fields).toEqual(
      [column(1, 'n', 'n', 'long')].map(({ nullable: _, ...f }) => f),
    )
  })
})

describe('a table with renamed and dropped columns', () => {
  it('goes through every verb that changes rows, and others read it', async () => {
    const ref = 'lake:acme/verbs'
    const table = lake.table('verbs')
    const done = async (verb: 'alter' | 'delete' | 'restore', options: object): Promise<void> =>
      expect((await tblctl.operate(verb, { refs: [ref] }, options)).items[0]!.error, verb).toBeUndefined()
    const agreed = async (rows: readonly unknown[][]): Promise<void> => {
      const select = 'SELECT key, day, amount, note FROM'
      const cells = (found: readonly unknown[][]): unknown[][] =>
        found.map((row) => row.map((cell) => cell && String(cell)))
      expect(cells(await rowsOf(tblctl, ref, `${select} t ORDER BY key`))).toEqual(cells(rows))
      expect(cells(await chdb.query(`${select} ${deltaTable(table)} ORDER BY key`))).toEqual(cells(rows))
    }
    expect((await create(tblctl, ref, 'verbs')).error).toBeUndefined()
    const load = async (name: string, rows: readonly object[], more: object = {}): Promise<void> => {
      const input = lake.rows(`verbs-${name}.ndjson`, rows)
      expect((await loadInto(tblctl, lake.folder, ref, [input], more)).error, name).toBeUndefined()
    }
    await load('old', [
      { id: 1, p: 'a/b', amount: 1, gone: 'x' },
      { id: 2, p: 'a/b', amount: 2, gone: 'y' },
      { id: 3, p: 'c', amount: 3, gone: 'z' },
    ])
    const version = logOf(table).length - 1
    await done('alter', {
      renameColumns: [
        { from: 'id', to: 'key' },
        { from: 'p', to: 'day' },
      ],
      dropColumns: ['gone'],
    })
    await done('alter', { addColumns: [{ name: 'note', type: 'Utf8' }] })
    await done('alter', { renameColumns: [{ from: 'note', to: 'id' }] })
    await done('alter', { addColumns: [{ name: 'note', type: 'Utf8' }] })
    await load('new', [
      { key: 4, day: 'a/b', amount: 4, note: 'vier', id: 'other' },
      { key: 5, day: 'd', amount: 5 },
    ])
    await agreed([
      [1, 'a/b', 1, null],
      [2, 'a/b', 2, null],
      [3, 'c', 3, null],
      [4, 'a/b', 4, 'vier'],
      [5, 'd', 5, null],
    ])
    await done('delete', { where: "day = 'c' OR key = 2" })
    await load(
      'merged',
      [
        { key: 1, day: 'a/b', amount: 10, note: 'eins' },
        { key: 6, day: 'e', amount: 6 },
      ],
      {
        mode: 'merge',
        key: ['key'],
      },
    )
    const kept = [
      [1, 'a/b', 10, 'eins'],
      [4, 'a/b', 4, 'vier'],
      [5, 'd', 5, null],
      [6, 'e', 6, null],
    ]
    await agreed(kept)
    expect(await optimize(tblctl, ref)).toMatchObject({ status: 'changed' })
    await agreed(kept)
    expect(await rowsOf(tblctl, ref, 'SELECT id FROM t WHERE id IS NOT NULL')).toEqual([['other']])
    await done('restore', { version })
    expect(await rowsOf(tblctl, ref, 'SELECT id, p, amount, gone FROM t ORDER BY id')).toEqual([
      [1n, 'a/b', 1n, 'x'],
      [2n, 'a/b', 2n, 'y'],
      [3n, 'c', 3n, 'z'],
    ])
    expect((await chdb.content(table)).rows).toBe(3)
  })
})

describe('a sync', () => {
  it('gives new columns of a mapped table an id and a name of their own', async () => {
    const { table, ref } = await filled('synced', {
      partitions: ['part'],
      protocol: { minReaderVersion: 2, minWriterVersion: 5 },
    })
    await using session = await sessionWith(lake.folder, (store) => store)
    const target = (await session.driver('lake')).can['sync.target'] as SyncTarget
    const spec = (await session.catalog().table('lake/mapped/synced'))!.spec
    const subject = { kind: 'table', path: 'lake/mapped/synced', spec } as const
    const more = { name: 'more', type: parseType('Struct("x": Int64)'), nullable: true }
    const shape = { fields: [{ name: 'id', type: parseType('Int64'), nullable: true }, more], key: [] }
    const ctx = session.reading('lake')
    expect(await target.ensure(subject, shape, ctx)).toEqual({
      created: false,
      added: ['more'],
    })
    const { metaData } = logOf(table)
      .at(-1)!
      .find((action) => action.metaData)!
    expect(metaData.configuration['delta.columnMapping.maxColumnId']).toBe('15')
    expect(JSON.parse(metaData.schemaString).fields.at(-1)).toMatchObject({
      name: 'more',
      metadata: { 'delta.columnMapping.id': 14, 'delta.columnMapping.physicalName': expect.stringMatching(/^col-/) },
    })
    expect(await rowsOf(tblctl, ref, all)).toEqual(wanted.map((row) => [...row, null]))
  })
})

describe('type widening', () => {
  it('reads files with the narrower types, and writes the wider ones', async () => {
    const widened = (name: string, type: string): LogAction => ({ name, type, nullable: true, metadata: {} })
    const table = mappedTable('widened', {
      mode: 'none',
      protocol: protocolOf(['typeWidening', 'timestampNtz']),
      schema: [
        ...[widened('i', 'long'), widened('b', 'integer'), widened('f', 'double'), widened('n', 'double')],
        ...[
          widened('d', 'timestamp_ntz'),
          widened('x', 'decimal(12,4)'),
          widened('k', 'decimal(20,0)'),
          widened('p', 'long'),
        ],
      ],
      partitions: ['p'],
      configuration: { 'delta.enableTypeWidening': 'true' },
    })
    const narrow = `SELECT 1::INTEGER AS i, 2::TINYINT AS b, 0.5::FLOAT AS f, 7::INTEGER AS n, DATE '2020-02-29' AS d, 1.25::DECIMAL(6,2) AS x, 9::INTEGER AS k`
    await addFile(table, 'a.parquet', narrow, null, null)
    writeFileSync(
      join(table, '_delta_log', '00000000000000000001.json'),
      JSON.stringify({ add: { ...liveOf(table)[0], partitionValues: { p: '3' } } }),
    )
    const ref = 'lake:mapped/widened'
    await register(tblctl, ref, `file:${table}`)
    const old = [1n, 2, 0.5, 7, 1582934400000000n, '1.2500', '9', 3n]
    expect(await rowsOf(tblctl, ref, 'SELECT * FROM t')).toEqual([old])
    const wide =
      '{"i":9007199254740993,"b":70000,"f":1e300,"n":0.25,"d":"2020-02-29T01:02:03","x":12345678.1234,"k":12345678901234567890,"p":5000000000}\n'
    const loaded = await loadInto(tblctl, lake.folder, ref, [lake.write('wide.ndjson', wide)])
    expect(loaded.error).toBeUndefined()
    expect(await rowsOf(tblctl, ref, 'SELECT * FROM t ORDER BY i')).toEqual([
      old,
      [9007199254740993n, 70000, 1e300, 0.25, 1582938123000000n, '12345678.1234', '12345678901234567890', 5000000000n],
    ])
    expect((await chdb.content(table)).rows).toBe(2)
  })
})
