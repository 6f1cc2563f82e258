import fc from 'fast-check'
import { expect, test } from 'vitest'
import { quoteIdentifier, quotePath, quoteString, quoteStrings } from '../../../src/engine/sql-text.ts'
import { useEngine } from './support.ts'

const held = useEngine()
const hostile = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter((text) => text.isWellFormed()),
  fc.constantFrom('"', "'", `"; DROP TABLE t; --`, `a'b"c\\d`, '\u0000', '$$', '/* x', '\n--', '🦆', 'select', "\\'"),
)

test('any text reads back as a string literal', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(hostile, { minLength: 1, maxLength: 8 }), async (texts) => {
      const [row] = await held.engine.all(`SELECT ${quoteStrings(texts)} AS l, ${quoteString(texts[0]!)} AS s`)
      expect(row).toEqual({ l: texts, s: texts[0] })
    }),
    { numRuns: 60 },
  )
})

test('any text without NUL is a column name', async () => {
  await fc.assert(
    fc.asyncProperty(
      hostile.filter((text) => !text.includes('\u0000')),
      async (name) => {
        const [column] = await held.engine.columns(
          `SELECT ${quoteIdentifier(name)} FROM (SELECT 1 AS ${quoteIdentifier(name)})`,
        )
        expect(column!.name).toBe(name)
      },
    ),
    { numRuns: 60 },
  )
})

test('a name with NUL is refused', () => {
  expect(() => quoteIdentifier('a\u0000b')).toThrow('cannot be a column name')
})

test('a path names one file and never a pattern', async () => {
  for (const name of ['f1', 'f*', 'f?', '[f]1', '**', 'a[!b]', `q'"`, 'b\\1'])
    await held.file(`${name}.ndjson`, `{"name":${JSON.stringify(name)}}\n`)
  for (const name of ['f1', 'f*', 'f?', '[f]1', '**', 'a[!b]', `q'"`, 'b\\1']) {
    const path = quotePath(`${held.folder}/${name}.ndjson`)
    expect(await held.engine.all(`SELECT name FROM read_json(${path}, columns = {name: 'VARCHAR'})`)).toEqual([
      { name },
    ])
  }
})
