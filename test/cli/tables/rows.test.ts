import { describe, expect, it } from 'vitest'
import { distinct, rowsView } from '../../../src/cli/tables/rows.ts'
import type { Rows } from '../../../src/core/batch.ts'
import { parseType } from '../../../src/core/types.ts'

const rows = (names: readonly string[], count: number): Rows => ({
  fields: names.map((name) => ({ name, type: parseType('Int32'), nullable: true })),
  batches: (async function* () {
    const columns = names.map((_, c) => Array.from({ length: count }, (_, r) => r * 10 + c))
    yield { fields: [], columns, rows: count }
  })(),
  [Symbol.asyncDispose]: async () => {},
})
const json = { output: 'json', sortBy: null } as const

describe('rows', () => {
  it('lose no value of columns with the same name', async () => {
    expect(distinct(['a', 'b', 'a', 'a', 'a_2'])).toEqual(['a', 'b', 'a_3', 'a_4', 'a_2'])
    const view = rowsView(rows(['a', 'a', '__proto__'], 1), json)
    const [row] = await Array.fromAsync(view.items)
    expect(Object.entries(row!)).toEqual([
      ['a', 0],
      ['a_2', 1],
      ['__proto__', 2],
    ])
    expect(view.columns.map((column) => [column.name, column.value(row!)])).toEqual([
      ['a', 0],
      ['a_2', 1],
      ['__proto__', 2],
    ])
  })

  it('are not held without a bound', async () => {
    const all = (options: Parameters<typeof rowsView>[1]) => Array.fromAsync(rowsView(rows(['a'], 3), options, 2).items)
    expect(await all(json)).toHaveLength(3)
    await expect(all({ output: 'yaml', sortBy: null })).rejects.toMatchObject({
      view: { code: 'result-too-large', hint: expect.stringContaining('ndjson') },
    })
    await expect(all({ output: 'csv', sortBy: { column: 'a', descending: false } })).rejects.toThrow(
      '--sort-by holds all rows',
    )
  })
})
