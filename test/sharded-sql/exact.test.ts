/** 300,000 rows over four shards on two engines come back as they went in: every microsecond, digit and key order. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { contentHash } from '../../src/engine/content-hash.ts'
import { openEngine } from '../../src/engine/engine.ts'
import { quotePath } from '../../src/engine/sql-text.ts'
import { load } from '../contract/driver/calls.ts'
import { startPostgres } from '../servers/postgres.ts'
import { create, makeWorld, table } from './world.ts'

const count = 300_000

/** Digits beyond a double's, times from 1900 to 2017 with all microseconds, documents whose keys are in no order, text that needs escapes. */
const rowsSql = `SELECT i AS id, i * 9007199254741 - 4000000000000000000 AS big,
  make_timestamp(-2208988800000000 + i * 12345678901)::TIMESTAMPTZ AS at,
  make_timestamp(-2208988800000000 + i * 12345678901) AS local,
  ((i::DECIMAL(38, 0) * 98765432109876 * (CASE WHEN i % 2 = 0 THEN 1 ELSE -1 END))::VARCHAR || '.' || lpad((i % 1000000000)::VARCHAR, 9, '0'))::DECIMAL(38, 9) AS amount,
  '{"z":' || i || ', "a":[1.10,' || (i * 9007199254741) || '],"m":{"b":null,"a":"\\u00e9"}}' AS doc,
  CASE WHEN i % 7 = 0 THEN NULL ELSE 'n' || chr(9) || i || chr(92) || 'ü' || chr(10) || '"''' END AS name,
  i / 3 AS ratio, i % 3 = 0 AS yes FROM range(${count}) AS r(i)`

test('300,000 rows', { timeout: 180_000 }, async () => {
  await using server = await startPostgres()
  using world = makeWorld(`n1: "sqlite:n1", n2: "${server.url('postgres')}"`)
  await using tblctl = await world.open()
  await using engine = await openEngine({ scratch: join(world.folder, 'scratch') })
  const [input, output] = [join(world.folder, 'rows.parquet'), join(world.folder, 'out.parquet')]
  await engine.run(`COPY (${rowsSql}) TO ${quotePath(input)} (FORMAT parquet)`)
  const columns = ['id BIGINT not null', 'big BIGINT', 'at TIMESTAMPTZ', 'local TIMESTAMP', 'amount NUMERIC(38, 9)']
  const more = ['doc JSON', 'name TEXT', 'ratio DOUBLE PRECISION', 'yes BOOLEAN']
  const [made] = (await create(tblctl, 'shop:exact', table([...columns, ...more]))).items
  expect(made).toMatchObject({ status: 'changed' })
  const report = await load(tblctl, world.folder, 'shop:exact', ['rows.parquet'])
  expect(report.items[0]).toMatchObject({ status: 'changed', result: { rows: count } })

  const [stats] = await tblctl.stats({ refs: ['shop:exact'] }, true)
  const shards = stats!.status.shards as { node: string; rows: number }[]
  expect(shards.map(({ node }) => node)).toEqual(['n1', 'n2', 'n1', 'n2'])
  expect(stats!.status.rows).toBe(count)
  for (const { rows } of shards) expect(rows).toBeGreaterThan(count / 5)

  expect(await tblctl.export('shop:exact', { format: 'parquet', out: output })).toMatchObject({ rows: count })
  const { fields } = (await tblctl.describe('shop:exact')).schema
  const hashOf = (file: string) =>
    contentHash(
      engine,
      `SELECT * REPLACE (doc::VARCHAR AS doc) FROM read_parquet(${quotePath(file)})`,
      fields.map(({ name }) => ({ name, type: { kind: 'Utf8' }, nullable: true })),
    )
  expect(await hashOf(output)).toEqual(await hashOf(input))
})
