import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { failure, only, thrown } from '../contract/driver/reports.ts'
import { columns, messages, ref, World } from './world.ts'

let world: World
beforeEach(() => {
  world = new World()
})
afterEach(() => world[Symbol.asyncDispose]())

const json = (name: string) => JSON.parse(readFileSync(world.file(name), 'utf8'))

describe('create', () => {
  test('id goes first where there is none, the system columns go last, and the schema files say so', async () => {
    only(await world.create(columns(['body', 'TEXT'])), 'changed')
    const { schema, details } = await (await world.tblctl()).describe(ref)
    expect(schema.fields).toEqual([
      { name: 'id', type: 'Int64', nullable: false },
      { name: 'body', type: 'Utf8', nullable: true },
      { name: '_updated', type: 'Timestamp(Millisecond, None)', nullable: false },
      { name: '_deleted', type: 'Boolean', nullable: false },
    ])
    expect(details.primaryKey).toEqual(['id'])
    const folder = 'conf/chat/schemas/messages'
    expect(json(`${folder}/schema_v1.json`)).toEqual({
      fields: schema.fields.map(({ name, type, nullable }) => ({ name, data_type: type, nullable })),
      options: { table_type: 'USER', primary_key: ['id'] },
    })
    expect(json(`${folder}/current.json`)).toEqual(json(`${folder}/schema_v1.json`))
    expect(json(`${folder}/manifest.json`)).toMatchObject({
      current_version: 1,
      version_count: 1,
      version_history: [{ version: 1, description: 'Initial schema' }],
    })
  })

  test.each([
    ['ROWS 1000', { type: 'row_limit', row_limit: 1000 }],
    ["INTERVAL '5 minutes'", { type: 'time_interval', interval_seconds: 300 }],
    ["ROWS 10 INTERVAL '1 hour'", { type: 'combined', row_limit: 10, interval_seconds: 3600 }],
    ["ROWS 10, INTERVAL '30 seconds'", { type: 'combined', row_limit: 10, interval_seconds: 30 }],
    ['rows:5,interval:60', { type: 'combined', row_limit: 5, interval_seconds: 60 }],
  ])('flush policy %s is kept and shown', async (flushPolicy, expected) => {
    only(await world.create(messages, { flushPolicy }), 'changed')
    expect((await (await world.tblctl()).describe(ref)).details.flushPolicy).toEqual(expected)
    expect(json('conf/chat/schemas/messages/current.json').options.flush_policy).toEqual(expected)
    only(await world.create(messages, { flushPolicy }), 'unchanged')
    expect(failure(await world.create(messages, { flushPolicy: 'ROWS 7' }))).toMatchObject({ code: 'table-exists' })
  })

  test.each([
    ['ROWS 0', 'Row limit must be greater than 0'],
    ['ROWS 1000000', 'Row limit must be less than 1,000,000'],
    ["INTERVAL '0 minutes'", 'Interval must be greater than 0'],
    ["INTERVAL '24 hours'", 'Interval must be less than 86400 seconds (24 hours)'],
    ['ROWS 1 ROWS 2', 'is no flush policy'],
    ['sometimes', 'is no flush policy'],
    ['', 'is no flush policy'],
    [7, 'is no flush policy'],
  ])('flush policy %s is refused: %s', async (flushPolicy, message) => {
    expect(failure(await world.create(messages, { flushPolicy })).message).toContain(message)
  })

  test.each([
    ['p:chat/Messages', 'Table name must start with a lowercase letter'],
    ['p:chat/_m', 'Table name must start with a lowercase letter'],
    ['p:chat/m-1', 'Table name can only contain lowercase letters, digits, and underscores'],
    ['p:Chat/messages', 'Namespace name must start with a lowercase letter'],
    ['p:system/messages', 'namespace system is reserved'],
  ])('%s: %s', async (at, message) => {
    expect(failure(await world.create(messages, {}, at)).message).toBe(message)
  })

  test('what user tables do not know is refused by name', async () => {
    const refused = async (definition: object, settings = {}, location: string | null = null) =>
      failure(await world.create({ ...messages, ...definition }, settings, ref, location)).message
    expect(await refused(columns(['id', 'BIGINT'], ['_deleted', 'BOOLEAN']))).toContain('_deleted')
    expect(await refused(columns(['a', 'BIGINT'], ['A', 'TEXT']))).toContain('A stands twice')
    expect(failure(await world.create(columns(['ID', 'BIGINT'])))).toMatchObject({
      kind: 'usage',
      hint: 'a table without "id" gets that column; call yours id, in lower case',
    })
    expect(await refused({}, {}, 'file:./u/${user_id}${tenant}')).toBe('${tenant} is no template variable')
    expect(await refused(columns(['a', 'INTERVAL']))).toBe('Unsupported data type: INTERVAL')
    expect(await refused(columns(['a', 'DECIMAL(50, 2)']))).toBe('Unsupported data type: DECIMAL(50, 2)')
    expect(await refused({ kind: 'stream' })).toContain('no stream tables')
    expect(await refused({ unique: [['body']] })).toContain('UNIQUE')
    expect(await refused({ primaryKey: ['nobody'] })).toContain('nobody')
    expect(await refused({ ...columns(['id', 'DOUBLE']) })).toContain('cannot be part of a key')
    expect(await refused({ columns: [{ name: 'a', type: 'TEXT', nullable: true, default: "'x'" }] })).toContain(
      'DEFAULT',
    )
    expect(await refused({}, { shards: 4 })).toContain('"shards"')
    expect(await refused({}, {}, 'file:./everybody')).toBe(
      'User table storage location must contain ${user_id} template variable',
    )
    expect(await refused({}, {}, 's3://bucket/${user_id}')).toContain('is no place')
    expect(existsSync(world.file('conf'))).toBe(false)
  })

  test('a location of its own', async () => {
    only(await world.create(messages, {}, ref, 'file:./other/user-${user_id}'), 'changed')
    only(await world.load('u1', [{ id: 1, body: 'x' }]), 'changed')
    only(await world.flush(), 'changed')
    expect(existsSync(world.file('other/user-u1/chat/messages/batch-1.parquet'))).toBe(true)
    expect((await (await world.tblctl()).list({ refs: [] }, true)).items).toMatchObject([{ ref, live: 'present' }])
  })
})

test('types of SQL, all of them, come back as they were written', async () => {
  const types = [
    'BIGINT',
    'INT',
    'SMALLINT',
    'BOOLEAN',
    'TEXT',
    'VARCHAR(9)',
    'REAL',
    'DOUBLE PRECISION',
    'DATE',
    'BYTEA',
  ]
  const more = ['JSON', 'TIMESTAMP', 'TIMESTAMPTZ', 'DECIMAL(10, 2)', 'NUMERIC(5)']
  await world.create(columns(...[...types, ...more].map((type, i) => [`c${i}`, type] as const)))
  const values = `9007199254740993, -1, 2, true, 'a''b', 'c', 1.5, 'NaN', '1969-12-31', 'AB', '{"a":1}',
    '2024-05-01 10:00:00.123456', '2024-05-01 12:00:00+02', 12.34, 5`
  const names = Array.from({ length: 15 }, (_, i) => `c${i}`)
  only(await world.sql('u1', `INSERT INTO chat.messages (${names}) VALUES (${values})`), 'changed')
  const expected = [
    [9007199254740993n, -1, 2, true, "a'b", 'c', 1.5, Number.NaN, -1, Uint8Array.from([65, 66]), '{"a":1}'].concat([
      1714557600123456n,
      1714557600000000n,
      '12.34',
      '5',
    ] as never[]),
  ]
  expect(await world.rows('u1', `select ${names} from t`)).toEqual(expected)
  await world.flush()
  expect(await world.rows('u1', `select ${names} from t`)).toEqual(expected)
})

describe('drop', () => {
  const drop = async () => (await world.tblctl()).operate('drop', { refs: [ref] }, {})

  test('hot rows, segments, manifests and schema files of all users are gone, and the name is free', async () => {
    await world.create()
    for (const user of ['u1', 'u2']) await world.load(user, [{ id: 1, body: user }])
    await world.flush('u1')
    const { plan } = only(await drop(), 'changed')
    expect(plan).toMatchObject({ risk: 'severe', summary: [expect.stringContaining('2 rows of 2 users')] })
    expect(existsSync(world.file('u/u1/tables/chat/messages/batch-1.parquet'))).toBe(false)
    expect(existsSync(world.file('u/u1/tables/chat/messages/manifest.json'))).toBe(false)
    expect(readdirSync(world.file('conf'))).toEqual([])
    expect((await (await world.tblctl()).list({ refs: [] }, true)).items).toEqual([])
    await world.create()
    expect(await world.rows('u1')).toEqual([])
    only(await world.load('u1', [{ id: 1, body: 'again' }]), 'changed')
    only(await world.flush(), 'changed')
    expect(await world.rows('u1')).toEqual([[1n, 'again']])
  })
})

test('doctor says what is wrong with the location', async () => {
  world.write('u', 'a file where a folder should be')
  const checks = await Array.fromAsync((await world.tblctl()).doctor())
  expect(checks.filter(({ ok }) => !ok)).toMatchObject([
    { check: 'location', fix: expect.stringContaining('${user_id}') },
  ])
})

test('a hot store of a newer program is refused', async () => {
  world.store((store) => store.run('pragma user_version = 3'))
  expect(await thrown(world.create())).toMatchObject({ kind: 'config', code: 'newer-hot-store' })
})

describe('a hot store', () => {
  test('that is no database is told so, and where', async () => {
    world.write('hot.db', 'this is no database '.repeat(100))
    expect(await thrown(world.create())).toMatchObject({
      kind: 'data',
      code: 'hot-store-damaged',
      where: world.file('hot.db'),
    })
  })

  test('whose place cannot be a file', async () => {
    mkdirSync(world.file('hot.db'))
    expect(await thrown(world.create())).toMatchObject({ kind: 'denied', code: 'hot-store-denied' })
  })

  test('that another program holds: nothing is changed, and it may be tried again', { timeout: 30_000 }, async () => {
    await world.create()
    const tblctl = await world.tblctl()
    const other = new DatabaseSync(world.file('hot.db'))
    other.exec('begin immediate')
    const statement = "INSERT INTO messages VALUES (1, 'x')"
    const report = await tblctl.operate('mutate', { refs: [ref] }, { statement, as: 'u1' })
    expect(failure(report)).toMatchObject({ kind: 'busy', code: 'hot-store-busy', retry: 'later' })
    other.exec('rollback')
    other.close()
    expect(await world.rows('u1')).toEqual([])
  })
})
