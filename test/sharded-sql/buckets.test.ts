import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Cell } from '../../src/core/batch.ts'
import { parseType } from '../../src/core/types.ts'
import { bucketOf, canonicalBytes, loadHash } from '../../src/drivers/sharded-sql/buckets.ts'
import { fixedKey, router, shardOfKey } from '../../src/drivers/sharded-sql/route.ts'
import { newTopology, shapeOfDefinition } from '../../src/drivers/sharded-sql/shape.ts'
import { layShards, physicalName, shardOfBucket } from '../../src/drivers/sharded-sql/topology.ts'
import { openEngine } from '../../src/engine/engine.ts'
import { quoteString } from '../../src/engine/sql-text.ts'
import { makeWorld, table } from './world.ts'

const hash = await loadHash()
const bucket = (type: string, cell: Exclude<Cell, null>, domain: string | null = null) =>
  bucketOf(hash, canonicalBytes(parseType(type), domain, cell))

describe('buckets', () => {
  // Written down once: another value here means that every row of every table is looked for in the wrong shard.
  test.each([
    ['Int64', 1n, 2129],
    ['Int64', -1n, 199],
    ['Int64', -(2n ** 63n), 3797],
    ['UInt64', 2n ** 64n - 1n, 3137],
    ['Utf8', '1', 2595],
    ['Utf8', '\u00e9', 988],
    ['Utf8', '', 1295],
    ['Boolean', true, 1327],
    ['Decimal128(9, 2)', '1.50', 592],
    ['Decimal128(9, 2)', '0.00', 2742],
    ['Binary', new Uint8Array([0, 255]), 2979],
    ['Date32', -1, 959],
    ['Timestamp(Microsecond, None)', 1_714_557_600_123_456n, 207],
  ] as const)('%s %s', (type, cell, expected) => {
    expect(bucket(type, cell)).toBe(expected)
  })

  test('a UUID, however it is written', () => {
    expect(bucket('Utf8', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'uuid')).toBe(3524)
    expect(bucket('Utf8', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'uuid')).toBe(3524)
  })

  test('one number in any form has one bucket, and text that looks like it another', () => {
    expect(bucket('Int64', 1 as never)).toBe(bucket('Int64', 1n))
    expect(bucket('Int64', '1')).toBe(bucket('Int64', 1n))
    expect(bucket('Int32', 1)).toBe(bucket('Int64', 1n))
    expect(bucket('Utf8', '1')).not.toBe(bucket('Int64', 1n))
    expect(bucket('Decimal128(9, 3)', '1.500')).toBe(bucket('Decimal128(9, 1)', '1.5'))
  })

  test('composed and decomposed text are two keys, as they are for both engines', () => {
    expect(bucket('Utf8', 'e\u0301')).not.toBe(bucket('Utf8', '\u00e9'))
  })

  test('every bucket lies in just one shard, and no shard is much larger than another', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 256 }), fc.integer({ min: 1, max: 5 }), (count, nodes) => {
        const names = Array.from({ length: nodes }, (_, i) => `n${i}`)
        const shards = layShards('id', 't', 1, count, names)
        const of = shardOfBucket(shards)
        for (let b = 0; b < 4096; b++) {
          const shard = shards[of[b]!]!
          expect(b >= shard.low && b <= shard.high).toBe(true)
        }
        const sizes = shards.map(({ low, high }) => high - low + 1)
        expect(sizes.reduce((a, b) => a + b)).toBe(4096)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
        expect(shards.map(({ node }) => node)).toEqual(shards.map((_, i) => names[i % nodes]))
      }),
    )
  })

  test('integers are spread evenly', () => {
    const counts = [0, 0, 0, 0]
    const of = shardOfBucket(layShards('id', 't', 1, 4, ['n1']))
    for (let i = 0; i < 20_000; i++) counts[of[bucket('Int64', BigInt(i))]!]!++
    for (const count of counts) expect(count).toBeGreaterThan(4600)
  })
})

describe('physical names', () => {
  test('never two tables in one place, never longer than PostgreSQL reads', () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/)
    fc.assert(
      fc.property(segment, segment, segment, (id, table, other) => {
        const [a, b] = [physicalName(id, table, 1, 0), physicalName(other, table, 1, 0)]
        expect(a === b).toBe(id === other)
        expect(a).toMatch(/^[a-z0-9_]{1,63}$/)
      }),
    )
    expect(physicalName('one', 'users', 1, 0)).not.toBe(physicalName('two', 'users', 1, 0))
  })
})

describe('a query that fixes the shard key reads one shard', () => {
  const shape = (type: string) => shapeOfDefinition(table([`id ${type} not null`, 'name TEXT'], ['id']), null)
  const topologyOf = (type: string) =>
    newTopology(
      shape(type),
      { project: 'p', table: 't', shards: 4, nodes: ['n1'] },
      { id: 'i', createdAt: '', job: 'j' },
    )
  const fixed = async (sql: string, type = 'INTEGER') => {
    using world = makeWorld('n1: "sqlite:n1"')
    await using engine = await openEngine({ scratch: world.folder })
    const [row] = await engine.all(`SELECT json_serialize_sql(${quoteString(sql)}) AS tree`)
    return fixedKey(JSON.parse(String(row!.tree)), 't', topologyOf(type))
  }

  test.each([
    'select * from t where id = 7',
    'select count(*) from t where 7 = id and name is not null',
    "SELECT name FROM T WHERE t.id = 7 AND (name = 'x' OR name = 'y') ORDER BY 1 LIMIT 2",
  ])('%s', async (sql) => {
    expect(await fixed(sql)).toEqual({ column: 'id', value: 7n })
  })

  test('by text', async () => {
    expect(await fixed("select * from t where id = 'it''s'", 'TEXT')).toEqual({ column: 'id', value: "it's" })
  })

  test('by a UUID, however it is written; what is none reads every shard', async () => {
    const value = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'
    for (const text of [value, value.toUpperCase(), value.replaceAll('-', '')])
      expect(await fixed(`select * from t where id = '${text}'`, 'UUID')).toEqual({ column: 'id', value })
    expect(await fixed("select * from t where id = 'x'", 'UUID')).toBeNull()
  })

  test.each([
    'select * from t',
    'select * from t where id = 7 or id = 8',
    'select * from t where not (id = 7)',
    'select * from t where id > 7',
    'select * from t where id in (7, 8)',
    "select * from t where id = '7'",
    'select * from t where id = 7.0',
    'select * from t where id = null',
    'select * from t where id = 12345678901234567890',
    'select * from t where id = name',
    'select * from t a join t b on a.id = b.id where a.id = 7',
    'select * from t where id = 7 union all select * from t',
    'with t as (select 7 as id) select * from t where id = 7',
    'select * from (select * from t) where id = 7',
    'select (select max(id) from t) from t where id = 7',
    'with u as (select * from t) select u.id from u, t where t.id = 7',
    'select * from t as t(name, id) where id = 7',
    'select * from t tablesample 10% where id = 7',
  ])('not by %s', async (sql) => {
    expect(await fixed(sql)).toBeNull()
  })

  test('the shard that is read is the one that rows of the key go to', () => {
    const topology = topologyOf('INTEGER')
    const routes = router(topology, hash)
    for (const value of [0n, 7n, -5n])
      expect(shardOfKey(routes, topology, value)).toBe(topology.shards[routes.shardOf[routes.bucket(value)]!])
  })
})
