/** alter: what one metadata commit does to a table, and what is refused. Delta's own kernel reads the results. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import type { ErrorView } from '../../src/core/errors.ts'
import type { ReportItem } from '../../src/core/host.ts'
import { killEverywhere } from '../faults/harness.ts'
import { deltaTable, startChdb } from '../support/chdb.ts'
import { awkward, keyless, SyncWorld } from '../sync/world.ts'
import { type Call, run } from './program.ts'
import { commitAs, create, Lake, loadInto, logOf, rowsOf } from './world.ts'

const fields = `fields:
  - { name: id, data_type: Int64, nullable: false }
  - { name: note, data_type: Utf8, nullable: true }
  - { name: at, data_type: 'Timestamp(Microsecond, Some("UTC"))', nullable: true }
  - { name: place, data_type: 'Struct("city": Utf8, "zip": Int32)', nullable: true }
  - { name: day, data_type: Date32, nullable: true }
`
const schemas = {
  things: `table_name: things\npartitions: [day]\n${fields}`,
  aged: `table_name: aged\npartitions: [day]\ntime_column: at\nretention: 30d\n${fields}`,
  more: `table_name: more
description: things and more
partitions: [day]
time_column: at
fields:
  - { name: id, data_type: Int64, nullable: false, description: who }
  - { name: tags, data_type: List(Utf8), nullable: true }
  - { name: note, data_type: Utf8, nullable: true }
  - { name: at, data_type: 'Timestamp(Microsecond, Some("UTC"))', nullable: true }
  - { name: place, data_type: 'Struct("city": Utf8, "zip": Int32)', nullable: true }
  - { name: day, data_type: Date32, nullable: true }
`,
  other: `table_name: other
fields:
  - { name: id, data_type: Int32, nullable: false }
  - { name: Note, data_type: Utf8, nullable: true }
  - { name: must, data_type: Utf8, nullable: false }
  - { name: at, data_type: 'Timestamp(Microsecond, Some("UTC"))', nullable: false }
  - { name: place, data_type: 'Struct("city": Utf8, "zip": Int64)', nullable: true }
`,
  dated: `table_name: dated
partitions: [date]
time_column: at
fields:
  - { name: id, data_type: Int64, nullable: true }
  - { name: date, data_type: Date32, nullable: false }
  - { name: at, data_type: 'Timestamp(Microsecond, Some("UTC"))', nullable: false }
`,
  twins: `table_name: twins
fields:
  - { name: id, data_type: Int64, nullable: true }
  - { name: p, data_type: 'Struct("ab": Int64)', nullable: true }
  - { name: q, data_type: 'List(Struct("ab": Int64, "other": Int64))', nullable: true }
`,
  clock: `table_name: clock\nfields:\n  - { name: id, data_type: Int64, nullable: true }\n`,
}
const ref = 'lake:acme/t'
const row = (id: number) => ({
  id,
  note: `n${id}`,
  at: `2026-01-0${id}T00:00:00Z`,
  place: { city: `c${id}`, zip: id },
  day: `2026-01-0${id}`,
})

interface Table extends AsyncDisposable {
  readonly lake: Lake
  readonly tblctl: Tblctl
  readonly folder: string
  alter(options: object, dryRun?: boolean): Promise<ReportItem>
  /** What alter is refused with; the log is as it was. */
  refused(options: object): Promise<ErrorView>
  load(name: string, rows: readonly object[]): Promise<ReportItem>
  sql(text: string): Promise<unknown[][]>
  details(): Promise<any>
  columns(): Promise<string[]>
  /** The newest commit's actions by name. */
  commit(): any
}

async function begin(schema: keyof typeof schemas, rows: readonly object[] = [row(1), row(2)]): Promise<Table> {
  const lake = new Lake(schemas)
  const tblctl = await lake.open()
  await create(tblctl, ref, schema)
  const folder = lake.table('t')
  const table: Table = {
    lake,
    tblctl,
    folder,
    alter: async (options, dryRun = false) =>
      (await tblctl.operate('alter', { refs: [ref] }, options, dryRun)).items[0]!,
    async refused(options) {
      const before = logOf(folder).length
      const { error } = await table.alter(options)
      expect(logOf(folder)).toHaveLength(before)
      return error!
    },
    load: (name, some) => loadInto(tblctl, lake.folder, ref, [lake.rows(name, some)]),
    sql: (text) => rowsOf(tblctl, ref, text),
    details: async () => (await tblctl.describe(ref)).details,
    columns: async () => (await tblctl.describe(ref)).schema.fields.map(({ name, type }) => `${name} ${type}`),
    commit: () => Object.assign({}, ...logOf(folder).at(-1)!),
    [Symbol.asyncDispose]: () => lake[Symbol.asyncDispose](),
  }
  if (rows.length > 0) await table.load('a.ndjson', rows)
  return table
}
const kernel = async (table: Table, sql: (from: string) => string): Promise<unknown[][]> => {
  await using chdb = startChdb(table.lake.folder)
  return await chdb.query(sql(deltaTable(table.folder)))
}

describe('alter adds columns', () => {
  it('that are null in the rows that are there, and touches no file', async () => {
    await using table = await begin('things')
    const item = await table.alter({
      addColumns: [
        { name: 'score', type: 'Float64' },
        { name: 'ids', type: 'List(Int64)', description: 'of friends' },
      ],
    })
    expect(item).toMatchObject({ status: 'changed', result: { version: 2, columnsAdded: 2, verified: ['log'] } })
    expect(table.commit()).toMatchObject({
      commitInfo: { operation: 'ADD COLUMNS', isBlindAppend: false },
      metaData: { partitionColumns: ['day'], configuration: {} },
    })
    expect(
      logOf(table.folder)
        .at(-1)!
        .map((action) => Object.keys(action)[0]),
    ).toEqual(['commitInfo', 'metaData'])
    await table.load('b.ndjson', [{ ...row(3), score: 1.5, ids: [7] }])
    expect(await table.sql('select id, score, ids from t order by id')).toEqual([
      [1n, null, null],
      [2n, null, null],
      [3n, 1.5, [7n]],
    ])
    expect(await kernel(table, (t) => `select id, score, ids from ${t} order by id`)).toEqual([
      [1, null, []],
      [2, null, []],
      [3, 1.5, [7]],
    ])
    expect((await table.tblctl.describe(ref)).schema.fields.at(-1)).toMatchObject({ description: 'of friends' })
  })

  it('inside of structs, where rows that are there lack them', async () => {
    await using table = await begin('things')
    await table.alter({ addColumns: [{ name: 'place.country', type: 'Utf8' }] })
    expect(await table.columns()).toContain('place Struct("city": Utf8, "zip": Int32, "country": Utf8)')
    await table.load('b.ndjson', [{ ...row(3), place: { city: 'x', zip: 1, country: 'nl' } }])
    expect(await table.sql('select place.city, place.country from t order by id')).toEqual([
      ['c1', null],
      ['c2', null],
      ['x', 'nl'],
    ])
  })

  it('once: what is there already is unchanged', async () => {
    await using table = await begin('things')
    const options = { addColumns: [{ name: 'score', type: 'Float64' }] }
    await table.alter(options)
    expect(await table.alter(options)).toMatchObject({ status: 'unchanged', result: { version: 2 } })
    expect(logOf(table.folder)).toHaveLength(3)
  })

  it('and says in the plan that times without a zone need newer readers', async () => {
    await using table = await begin('things')
    const options = { addColumns: [{ name: 'local', type: 'Timestamp(Microsecond, None)' }] }
    expect((await table.alter(options, true)).plan!.summary).toContain(
      "the table's protocol rises from 1/2 to 3/7: readers below reader version 3, and those without timestampNtz, can no longer read it",
    )
    await table.alter(options)
    expect((await table.details()).protocol).toEqual({
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['timestampNtz'],
      writerFeatures: ['appendOnly', 'invariants', 'timestampNtz'],
    })
    await table.load('b.ndjson', [{ ...row(3), local: '2026-01-01T00:00:00' }])
    expect(await kernel(table, (t) => `select id, toString(local) from ${t} where local is not null`)).toEqual([
      [3, '2026-01-01 00:00:00.000000'],
    ])
  })

  it('and refuses what cannot be, by name', async () => {
    await using table = await begin('things')
    const add = (name: string, type = 'Utf8') => table.refused({ addColumns: [{ name, type }] })
    expect(await add('Note')).toMatchObject({ kind: 'refused', code: 'column-exists' })
    expect(await add('note', 'Int64')).toMatchObject({
      code: 'column-exists',
      message: expect.stringContaining('Utf8'),
    })
    expect(await add('two words')).toMatchObject({ kind: 'refused', code: 'bad-column-name' })
    expect(await add('nanos', 'Timestamp(Nanosecond, None)')).toMatchObject({ code: 'unsupported-type' })
    expect(await add('any', 'Variant')).toMatchObject({ code: 'unsupported-type' })
    expect(await add('x', 'Text')).toMatchObject({ kind: 'usage', code: 'bad-type' })
    expect(await add('nowhere.x')).toMatchObject({ code: 'no-such-column' })
    expect(await add('place..x')).toMatchObject({ kind: 'usage', code: 'bad-column' })
    expect(
      await table.refused({
        addColumns: [
          { name: 'a', type: 'Utf8' },
          { name: 'A', type: 'Utf8' },
        ],
      }),
    ).toMatchObject({
      code: 'column-twice',
    })
  })
})

describe('alter renames and drops columns', () => {
  it('by name mapping: the files stay as they are, and the plan says who can no longer read', async () => {
    await using table = await begin('things')
    const options = { renameColumns: [{ from: 'note', to: 'two words' }], dropColumns: ['at'] }
    expect((await table.alter(options, true)).plan!.summary).toEqual([
      'drop column at: no reader sees it any more; its values stay in the files',
      'rename column note to two words',
      "the table's protocol rises from 1/2 to 2/5: readers below reader version 2 can no longer read it",
    ])
    expect(await table.alter(options)).toMatchObject({ result: { columnsRenamed: 1, columnsDropped: 1 } })
    expect(table.commit().commitInfo).toMatchObject({
      operation: 'DROP COLUMNS',
      operationParameters: { columns: '["at"]', oldColumnPath: 'note', newColumnPath: 'two words' },
    })
    const { protocol, properties } = await table.details()
    expect(protocol).toEqual({ minReaderVersion: 2, minWriterVersion: 5 })
    expect(properties).toEqual({ 'delta.columnMapping.mode': 'name', 'delta.columnMapping.maxColumnId': '7' })
    await table.load('b.ndjson', [{ id: 3, 'two words': 'n3', place: null, day: '2026-01-03' }])
    const rows = [
      [1, 'n1'],
      [2, 'n2'],
      [3, 'n3'],
    ]
    expect(await table.sql('select id::int, "two words" from t order by id')).toEqual(rows)
    expect(await kernel(table, (t) => `select id, "two words" from ${t} order by id`)).toEqual(rows)
    expect((await table.columns()).map((column) => column.split(' ')[0])).toEqual(['id', 'two', 'place', 'day'])
  })

  it('and a column that comes back under its name is another one: ids are never given twice', async () => {
    await using table = await begin('things')
    await table.alter({ dropColumns: ['note'] })
    await table.alter({ addColumns: [{ name: 'note', type: 'Utf8' }] })
    const { metaData } = table.commit()
    const note = JSON.parse(metaData.schemaString).fields.at(-1)
    expect(note).toMatchObject({ name: 'note', metadata: { 'delta.columnMapping.id': 8 } })
    expect(note.metadata['delta.columnMapping.physicalName']).toMatch(/^col-[0-9a-f-]{36}$/)
    expect(metaData.configuration['delta.columnMapping.maxColumnId']).toBe('8')
    await table.load('b.ndjson', [row(3)])
    expect(await table.sql('select id::int, note from t order by id')).toEqual([
      [1, null],
      [2, null],
      [3, 'n3'],
    ])
    expect(await kernel(table, (t) => `select id, note from ${t} order by id`)).toEqual([
      [1, null],
      [2, null],
      [3, 'n3'],
    ])
  })

  it('that partition the table or stand inside of structs', async () => {
    await using table = await begin('things')
    await table.alter({
      renameColumns: [
        { from: 'day', to: 'date' },
        { from: 'place.city', to: 'town' },
      ],
      dropColumns: ['place.zip'],
    })
    expect((await table.tblctl.describe(ref)).schema.partitions).toEqual(['date'])
    await table.load('b.ndjson', [{ id: 3, place: { town: 'c3' }, date: '2026-01-03' }])
    expect(await table.sql('select id::int, date::varchar, place.town from t order by id')).toEqual([
      [1, '2026-01-01', 'c1'],
      [2, '2026-01-02', 'c2'],
      [3, '2026-01-03', 'c3'],
    ])
    expect(await kernel(table, (t) => `select id, toString(date) from ${t} order by id`)).toEqual([
      [1, '2026-01-01'],
      [2, '2026-01-02'],
      [3, '2026-01-03'],
    ])
  })

  it('once: again it is unchanged', async () => {
    await using table = await begin('things')
    const options = { renameColumns: [{ from: 'note', to: 'text' }], dropColumns: ['at'] }
    await table.alter(options)
    const versions = logOf(table.folder).length
    expect(await table.alter(options)).toMatchObject({
      status: 'unchanged',
      plan: {
        summary: expect.arrayContaining(['there is no column at to drop', 'column note is called text already']),
      },
    })
    expect(logOf(table.folder)).toHaveLength(versions)
  })

  it('but not what something else needs, and says what', async () => {
    await using table = await begin('aged')
    const drop = (...names: string[]) => table.refused({ dropColumns: names })
    const rename = (from: string, to: string) => table.refused({ renameColumns: [{ from, to }] })
    expect(await drop('day')).toMatchObject({ code: 'column-in-use', message: expect.stringContaining('partitioning') })
    expect(await drop('at')).toMatchObject({ code: 'column-in-use', message: expect.stringContaining('retention') })
    expect(await drop('place.city', 'place.zip')).toMatchObject({ code: 'last-column' })
    await table.alter({ retention: 'none' })
    expect(await drop('id', 'note', 'at', 'place')).toMatchObject({ code: 'last-column' })
    expect(await drop('NOTE')).toMatchObject({ code: 'column-case' })
    expect(await rename('note', 'ID')).toMatchObject({ code: 'column-exists' })
    expect(await rename('nots', 'text')).toMatchObject({ code: 'no-such-column', hint: 'did you mean note?' })
    expect(await rename('note', 'a\0b')).toMatchObject({ kind: 'usage' })
    expect(await rename('place.city', 'place.town')).toMatchObject({ kind: 'usage' })
    const twice = { dropColumns: ['note'], addColumns: [{ name: 'Note', type: 'Utf8' }] }
    expect(await table.refused(twice)).toMatchObject({ kind: 'usage', code: 'column-twice' })
    // Delta does not tell upper from lower case, but keeps it.
    expect(await table.alter({ renameColumns: [{ from: 'note', to: 'Note' }] })).toMatchObject({ status: 'changed' })
    expect(await table.columns()).toContain('Note Utf8')
  })

  it("but not where two fields share a name: Delta's kernel could not open the table any more", async () => {
    await using table = await begin('twins', [{ id: 1, p: { ab: 1 }, q: [{ ab: 2, other: 3 }] }])
    const clash = {
      kind: 'refused',
      code: 'physical-name-clash',
      message: expect.stringMatching(/both p\.ab and q\.element\.ab "ab".*kernel/),
    }
    expect(await table.refused({ renameColumns: [{ from: 'id', to: 'key' }] })).toMatchObject(clash)
    expect(await table.refused({ dropColumns: ['id'] })).toMatchObject(clash)
    expect(await table.refused({ set: { 'delta.columnMapping.mode': 'name' } })).toMatchObject(clash)
    // The files still say p.ab, and no reader asks for it any more. What comes back has a name of its own.
    expect(await table.alter({ dropColumns: ['q.element.ab'] })).toMatchObject({ status: 'changed' })
    expect(await table.alter({ addColumns: [{ name: 'ab', type: 'Int64' }] })).toMatchObject({ status: 'changed' })
    await table.load('b.ndjson', [{ id: 2, p: { ab: 4 }, ab: 5 }])
    expect(await kernel(table, (t) => `select id, p.ab, ab from ${t} order by id`)).toEqual([
      [1, 1, null],
      [2, 4, 5],
    ])
  })

  it('of a table that is mapped by id', async () => {
    await using table = await begin('clock', [])
    const { metaData } = Object.assign({}, ...logOf(table.folder)[0]!) as any
    const mapped = { 'delta.columnMapping.id': 4, 'delta.columnMapping.physicalName': 'col-x' }
    const field = { name: 'id', type: 'long', nullable: true, metadata: mapped }
    commitAs(table.folder, [
      { protocol: { minReaderVersion: 2, minWriterVersion: 5 } },
      {
        metaData: {
          ...metaData,
          schemaString: JSON.stringify({ type: 'struct', fields: [field] }),
          configuration: { 'delta.columnMapping.mode': 'id', 'delta.columnMapping.maxColumnId': '9' },
        },
      },
    ])
    await table.load('a.ndjson', [{ id: 1 }])
    await table.alter({ renameColumns: [{ from: 'id', to: 'key' }] })
    await table.alter({ addColumns: [{ name: 'id', type: 'Utf8' }] })
    expect((await table.details()).properties).toEqual({
      'delta.columnMapping.mode': 'id',
      'delta.columnMapping.maxColumnId': '10',
    })
    await table.load('b.ndjson', [{ key: 2, id: 'x' }])
    const rows = [
      [1, null],
      [2, 'x'],
    ]
    expect(await table.sql('select key::int, id from t order by key')).toEqual(rows)
    expect(await kernel(table, (t) => `select key, id from ${t} order by key`)).toEqual(rows)
    expect(await table.refused({ set: { 'delta.columnMapping.mode': 'name' } })).toMatchObject({
      code: 'column-mapping',
    })
  })
})

describe('alter changes properties', () => {
  it('of the protocol, of tblctl and of others', async () => {
    await using table = await begin('things', [])
    const set = {
      'delta.appendOnly': 'TRUE',
      'delta.logRetentionDuration': '30d',
      'delta.checkpointInterval': '25',
      'delta.dataSkippingStatsColumns': 'id,place.city',
      'tblctl.owner': 'me',
      team: 'blue',
    }
    expect(await table.alter({ set })).toMatchObject({ result: { propertiesSet: 6 } })
    expect(table.commit().commitInfo.operation).toBe('SET TBLPROPERTIES')
    expect((await table.details()).properties).toEqual({
      ...set,
      'delta.appendOnly': 'true',
      'delta.logRetentionDuration': 'interval 30 days',
    })
    expect(await table.alter({ set })).toMatchObject({ status: 'unchanged' })
    await table.alter({ renameColumns: [{ from: 'place', to: 'site' }] })
    expect((await table.details()).properties['delta.dataSkippingStatsColumns']).toBe('id,site.city')
    await table.alter({ dropColumns: ['site'] })
    expect((await table.details()).properties['delta.dataSkippingStatsColumns']).toBe('id')
    const unset = ['team', 'delta.appendOnly', 'gone']
    expect(await table.alter({ unset })).toMatchObject({ result: { propertiesRemoved: 2 } })
    expect(table.commit().commitInfo).toMatchObject({
      operation: 'UNSET TBLPROPERTIES',
      operationParameters: { properties: '["team","delta.appendOnly"]' },
    })
    expect(await table.alter({ unset })).toMatchObject({ status: 'unchanged' })
  })

  it('and turns column mapping on, in no other direction', async () => {
    await using table = await begin('things')
    expect(await table.refused({ set: { 'delta.columnMapping.mode': 'id' } })).toMatchObject({ code: 'column-mapping' })
    await table.alter({ set: { 'delta.columnMapping.mode': 'name' }, addColumns: [{ name: 'a b', type: 'Utf8' }] })
    expect((await table.details()).properties['delta.columnMapping.mode']).toBe('name')
    expect(await table.alter({ set: { 'delta.columnMapping.mode': 'name' } })).toMatchObject({ status: 'unchanged' })
    expect(await table.refused({ set: { 'delta.columnMapping.mode': 'none' } })).toMatchObject({
      code: 'column-mapping',
    })
    expect(await table.refused({ unset: ['delta.columnMapping.mode'] })).toMatchObject({ code: 'kept-property' })
    expect(await table.sql('select id::int, "a b" from t order by id')).toEqual([
      [1, null],
      [2, null],
    ])
  })

  it('and turns times in commits on, for good', async () => {
    await using table = await begin('things')
    const on = { set: { 'delta.enableInCommitTimestamps': 'true' } }
    expect((await table.alter(on, true)).plan!.summary).toContain(
      "the table's protocol rises from 1/2 to 1/7: writers below writer version 7, and those without inCommitTimestamp, can no longer write it",
    )
    await table.alter(on)
    const { commitInfo } = table.commit()
    expect((await table.details()).properties).toEqual({
      'delta.enableInCommitTimestamps': 'true',
      'delta.inCommitTimestampEnablementVersion': '2',
      'delta.inCommitTimestampEnablementTimestamp': String(commitInfo.inCommitTimestamp),
    })
    await table.load('b.ndjson', [row(3)])
    expect(table.commit().commitInfo.inCommitTimestamp).toBeGreaterThan(commitInfo.inCommitTimestamp)
    expect(await kernel(table, (t) => `select count() from (select * from ${t})`)).toEqual([[3]])
    expect(await table.alter(on)).toMatchObject({ status: 'unchanged' })
    const off = { set: { 'delta.enableInCommitTimestamps': 'false' } }
    expect(await table.refused(off)).toMatchObject({ code: 'kept-property' })
    expect(await table.refused({ unset: Object.keys(off.set) })).toMatchObject({ code: 'kept-property' })
  })

  it('but not what it cannot keep', async () => {
    await using table = await begin('things', [])
    const set = (name: string, value: string) => table.refused({ set: { [name]: value } })
    expect(await set('delta.enableChangeDataFeed', 'true')).toMatchObject({
      code: 'delta-feature',
      message: expect.stringContaining('changeDataFeed'),
    })
    expect(await set('delta.apendOnly', 'true')).toMatchObject({
      code: 'unknown-property',
      hint: 'did you mean delta.appendOnly?',
    })
    expect(await set('delta.dataSkippingStatsColumns', 'id,nope')).toMatchObject({ code: 'no-such-column' })
    expect(await set('delta.checkpointInterval', '0')).toMatchObject({ kind: 'usage', code: 'bad-property' })
    expect(await set('tblctl.timeColumn', 'note')).toMatchObject({ code: 'no-time-column' })
    expect(await table.refused({ set: { a: '1' }, unset: ['a'] })).toMatchObject({ kind: 'usage' })
  })
})

describe('alter says how long rows are kept', () => {
  it('in properties, as create does', async () => {
    await using table = await begin('aged')
    expect((await table.details()).properties).toEqual({ 'tblctl.retention': '30d', 'tblctl.timeColumn': 'at' })
    await table.alter({ retention: '7d', renameColumns: [{ from: 'at', to: 'when' }] })
    expect((await table.details()).properties).toMatchObject({ 'tblctl.retention': '7d', 'tblctl.timeColumn': 'when' })
    expect(await table.sql('select count(*)::int from t')).toEqual([[2]])
    expect(await table.refused({ unset: ['tblctl.timeColumn'] })).toMatchObject({ code: 'property-in-use' })
    await table.alter({ retention: 'none' })
    expect((await table.details()).properties['tblctl.retention']).toBe('none')
    expect(await table.alter({ dropColumns: ['when'] })).toMatchObject({ status: 'changed' })
    expect((await table.details()).properties).not.toHaveProperty('tblctl.timeColumn')
  })

  it('also where only the table schema says so yet', async () => {
    await using table = await begin('aged', [])
    await table.alter({ retention: 'none' })
    await table.alter({ unset: ['tblctl.retention', 'tblctl.timeColumn'] })
    expect((await table.details()).properties).toEqual({})
    expect(await table.refused({ dropColumns: ['at'] })).toMatchObject({ code: 'column-in-use' })
    await table.alter({ renameColumns: [{ from: 'at', to: 'when' }] })
    expect((await table.details()).properties).toMatchObject({ 'tblctl.retention': '30d', 'tblctl.timeColumn': 'when' })
    await table.alter({ unset: ['tblctl.retention'] })
    expect(await table.alter({ retention: 'none' })).toMatchObject({ status: 'changed' })
  })

  it('and rows that lack a date get it from the column under its new name', async () => {
    await using table = await begin('dated', [])
    await table.alter({ renameColumns: [{ from: 'at', to: 'when' }] })
    await table.load('a.ndjson', [{ id: 1, when: '2026-03-04T05:06:07Z' }])
    expect(await table.sql('select date::varchar from t')).toEqual([['2026-03-04']])
  })

  it('once it is known what they are measured by', async () => {
    await using table = await begin('things', [])
    expect(await table.alter({ retention: 'none' })).toMatchObject({ status: 'unchanged' })
    expect(await table.refused({ retention: '30d' })).toMatchObject({
      code: 'no-time-column',
      hint: 'say it with --set tblctl.timeColumn=COLUMN',
    })
    expect(await table.refused({ retention: '0d' })).toMatchObject({ kind: 'usage' })
    await table.alter({ set: { 'tblctl.timeColumn': 'at', 'tblctl.retention': '2w' } })
    expect((await table.details()).properties).toEqual({ 'tblctl.timeColumn': 'at', 'tblctl.retention': '2w' })
  })
})

describe('alter --to-schema', () => {
  it('adds what the table lacks, behind what it has, and takes the descriptions over', async () => {
    await using table = await begin('things')
    expect(await table.alter({ toSchema: 'more' })).toMatchObject({
      result: { columnsAdded: 1, columnsChanged: 2, propertiesSet: 1 },
    })
    expect((await table.columns()).map((column) => column.split(' ')[0])).toEqual([
      'id',
      'note',
      'at',
      'place',
      'day',
      'tags',
    ])
    const { details, schema } = await table.tblctl.describe(ref)
    expect(details).toMatchObject({ description: 'things and more', properties: { 'tblctl.timeColumn': 'at' } })
    expect(schema.fields[0]).toMatchObject({ description: 'who' })
    expect(await table.alter({ toSchema: 'more' })).toMatchObject({ status: 'unchanged' })
    expect(await table.sql('select id::int, tags from t order by id')).toEqual([
      [1, null],
      [2, null],
    ])
  })

  it('refuses every other difference, all of them by name', async () => {
    await using table = await begin('aged')
    const { code, message } = await table.refused({ toSchema: 'other' })
    expect(code).toBe('schema-differs')
    for (const told of [
      'column note is not in the schema',
      'column day is not in the schema',
      'column Note is called note here',
      'column must is not there and may not be null',
      'column id is Int64 and not Int32',
      'column at may be null here',
      'column place is Struct("city": Utf8, "zip": Int32) and not',
      'it is partitioned by day and not by nothing',
      'rows are kept 30d and not for ever',
    ])
      expect(message).toContain(told)
  })
})

/** From the memory driver into a lake. */
class IntoLake extends SyncWorld {
  override configure(syncs: readonly string[]): void {
    const backends = '  src: { driver: memory, file: src.db }\n  dst: { driver: delta, url: "file:./lake" }'
    const lines = ['version: 1', 'schemas: [./schemas]', 'backends:', backends, 'sync:', ...syncs.map((s) => `  ${s}`)]
    writeFileSync(join(this.folder, 'tblctl.yaml'), `${lines.join('\n')}\n`)
  }
}
type Item = (typeof awkward)[number]

describe('while others work', () => {
  it('a load goes on when another catalog adds a column, and keeps its rows', async () => {
    await using table = await begin('things', [])
    await using elsewhere = new Lake()
    const other = await elsewhere.open()
    await other.provision('register', [ref], { location: `file:${table.folder}`, labels: {} })
    async function* input() {
      yield Buffer.from(`${JSON.stringify(row(1))}\n`)
      const busy = await table.alter({ addColumns: [{ name: 'score', type: 'Float64' }] })
      expect(busy.error).toMatchObject({ kind: 'busy' })
      const columns = [{ name: 'score', type: 'Float64' }]
      const there = await other.operate('alter', { refs: [ref] }, { addColumns: columns })
      expect(there.items[0]).toMatchObject({ status: 'changed' })
      yield Buffer.from(`${JSON.stringify(row(2))}\n`)
    }
    const loaded = await loadInto(table.tblctl, table.lake.folder, ref, ['-'], {
      input: input(),
      format: 'ndjson',
      batchId: 'b',
      commitRows: 1,
    })
    expect(loaded).toMatchObject({ status: 'changed', result: { rows: 2 } })
    expect(await table.sql('select id::int, score from t order by id')).toEqual([
      [1, null],
      [2, null],
    ])
  })

  it('a sync goes on into a table that has a column more and a physical name for each', async () => {
    using world = new IntoLake([keyless('log')])
    await using tblctl = await world.open()
    const [first, second] = awkward as readonly [Item, Item]
    await world.table(tblctl, 'log', [first])
    const all = { ids: [], target: null, dryRun: false }
    await tblctl.syncs.run(all)
    const set = { 'delta.columnMapping.mode': 'name' }
    const more = { addColumns: [{ name: 'seen', type: 'Boolean' }], set }
    const altered = await tblctl.operate('alter', { refs: ['dst:log'] }, more)
    expect(altered.items[0]).toMatchObject({ status: 'changed', result: { columnsAdded: 1 } })
    await world.add(tblctl, 'log', [
      { ...second, at: new Date(Date.now() - 60_000).toISOString().replace('Z', '000Z') },
    ])
    expect((await tblctl.syncs.run(all)).items[0]).toMatchObject({ status: 'changed', result: { rows: 1 } })
    expect(await rowsOf(tblctl, 'dst:log', 'select count(*)::int, count(seen)::int, count(id)::int from t')).toEqual([
      [2, 0, 2],
    ])
  })

  it('two alters at once are both done, whoever has the catalog', async () => {
    await using table = await begin('things')
    await using elsewhere = new Lake()
    const other = await elsewhere.open()
    await other.provision('register', [ref], { location: `file:${table.folder}`, labels: {} })
    const add = (name: string) => ({ addColumns: [{ name, type: 'Utf8' }] })
    const [a, b] = await Promise.all([
      table.alter(add('a')),
      other.operate('alter', { refs: [ref] }, add('b')).then(({ items }) => items[0]!),
    ])
    expect([a.status, b.status]).toEqual(['changed', 'changed'])
    expect((await table.columns()).slice(-2).sort()).toEqual(['a Utf8', 'b Utf8'])
  })
})

describe('killed at every durable step', () => {
  it('it is altered once, and the job says how', { timeout: 120_000 }, async () => {
    const options = { renameColumns: [{ from: 'note', to: 'text' }], addColumns: [{ name: 'score', type: 'Int64' }] }
    const call: Call = { verb: 'operate', name: 'alter', ref, options }
    await killEverywhere(
      {
        setUp: async () => {
          const table = await begin('things')
          await table.tblctl[Symbol.asyncDispose]()
          return table
        },
        command: (table, env) => run(table.lake.folder, call, env),
        async oracle(table) {
          await using tblctl = await table.lake.open()
          const jobs = (await tblctl.jobs.list({})).filter(({ verb }) => verb === 'alter')
          return {
            columns: (await tblctl.describe(ref)).schema.fields,
            versions: logOf(table.folder).length,
            jobs: jobs.map(({ state, result }) => [state, result]),
          }
        },
      },
      4,
    )
  })
})
