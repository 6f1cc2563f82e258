import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { exportFile } from '../../../src/engine/export-file.ts'
import { useEngine } from './support.ts'

const held = useEngine()

test('NDJSON holds the own text of Json columns, and all else as without them', async () => {
  const own = '{"n":12345678901234567890.123456789,\n  "e":1e400,"q":"\\\\\\"\\u0000,\\u001f"}'
  const rest = `1 AS id, 'a"b,\\\n\r\u00e9' AS "na""m'e", TIMESTAMPTZ '2024-01-01' AS at, NULL::INTEGER AS n, [1.50, NULL] AS l, {'a': 'x'} AS s, 'x'::BLOB AS b, 0.1::DOUBLE AS f`
  const lines = async (select: string): Promise<string> => {
    const out = join(held.folder, 'out.ndjson')
    const { rows } = await exportFile(held.engine, select, { format: 'ndjson', out })
    expect(rows).toBe(2)
    return readFile(out, 'utf8')
  }
  const twice = 'FROM range(2)'
  const plain = await lines(`SELECT ${rest} ${twice}`)
  const more = await lines(`SELECT ${rest}, '${own.replaceAll("'", "''")}'::JSON AS j, NULL::JSON AS none ${twice}`)
  const expected = `,"j":${own.replaceAll('\n', ' ')},"none":null}\n`
  expect(more).toBe(plain.replaceAll('}\n', expected))
})
