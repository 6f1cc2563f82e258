/** A stream of row batches as a list that the views print row by row: memory does not grow with the result. */
import type { Rows } from '../../core/batch.ts'
import { fail } from '../../core/errors.ts'
import { formatType } from '../../core/types.ts'
import { type CellForm, cellConverter } from '../output/cells.ts'
import type { PrintOptions } from '../output/print.ts'
import type { CellValue, Column, ListView } from '../output/view.ts'

/** Rows that are held at once where a format or an order needs all of them. */
const mostHeldRows = 1_000_000

type Row = Readonly<Record<string, CellValue>>

export function rowsView(
  rows: Rows,
  { output, sortBy }: Pick<PrintOptions, 'output' | 'sortBy'>,
  mostHeld = mostHeldRows,
): ListView<Row> {
  const names = distinct(rows.fields.map((field) => field.name))
  const form: CellForm = output === 'json' || output === 'yaml' || output === 'ndjson' ? 'value' : 'text'
  const held = sortBy !== null ? '--sort-by' : output === 'yaml' ? '-o yaml' : null
  return {
    is: 'list',
    kind: 'QueryResult',
    key: 'rows',
    before: { columns: rows.fields.map((field, i) => ({ name: names[i], type: formatType(field.type) })) },
    columns: rows.fields.map((field, i) => columnOf(names[i]!, field.type.kind)),
    items: held === null ? objects(rows, names, form) : bounded(objects(rows, names, form), held, mostHeld),
    none: 'no rows',
  }
}

const numeric = /^(U?Int\d+|Float\d+|Decimal128)$/

const columnOf = (name: string, kind: string): Column<Row> => ({
  name,
  // As it was written: these are the user's words, not ours.
  header: name,
  ...(numeric.test(kind) ? { align: 'right' } : {}),
  value: (row) => row[name],
})

async function* objects(rows: Rows, names: readonly string[], form: CellForm): AsyncGenerator<Row> {
  const converters = rows.fields.map((field) => cellConverter(field.type, form))
  for await (const batch of rows.batches)
    for (let r = 0; r < batch.rows; r++) {
      const row = Object.create(null) as Record<string, CellValue>
      for (let c = 0; c < names.length; c++) {
        const cell = batch.columns[c]![r]!
        const convert = converters[c]
        row[names[c]!] = cell === null || convert === undefined ? cell : convert(cell)
      }
      yield row
    }
}

async function* bounded(items: AsyncGenerator<Row>, why: string, most: number): AsyncGenerator<Row> {
  let count = 0
  for await (const item of items) {
    if (++count > most)
      throw fail('refused', 'result-too-large', `${why} holds all rows at once, and there are more than ${most}`, {
        hint: 'use -o ndjson or csv without --sort-by, and order in the query',
      })
    yield item
  }
}

/** `a, a` → `a, a_2`: a row is an object, and none of its values may be lost. */
export function distinct(names: readonly string[]): string[] {
  const taken = new Set(names)
  const seen = new Set<string>()
  return names.map((name) => {
    if (!seen.has(name)) {
      seen.add(name)
      return name
    }
    let n = 2
    while (taken.has(`${name}_${n}`)) n++
    taken.add(`${name}_${n}`)
    return `${name}_${n}`
  })
}
