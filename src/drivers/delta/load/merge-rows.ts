/** The rows that a merge brings, as the engine holds them: a file of numbered rows, and a table of their keys, the last row of each. */
import { join } from 'node:path'
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { Field } from '../../../core/types.ts'
import type { Engine } from '../../../engine/engine.ts'
import { parquetSource, quoteIdentifier } from '../../../engine/sql-text.ts'
import { writeParquet } from '../../../engine/write-parquet.ts'
import { storedSelect } from '../files/partitions.ts'
import type { DeltaTable } from '../table.ts'

/** Columns `k0`, `k1`, … in the order of the key, `n`, and `newest` where rows have a time. */
export const keyTable = 'tblctl_merge_keys'

export interface MergeRows {
  /** Columns of the select, as files hold them. */
  readonly fields: readonly Field[]
  readonly key: readonly Field[]
  /** What is there and newer by this column stays; null: what comes replaces what is there. */
  readonly newest: Field | null
  /** The rows that are to be written: of those that share a key, the last one. Never of keys that are no longer in the table of keys. */
  readonly select: string
  /** Rows that came. */
  readonly rows: number
  /** Of them, those that a later one of the same key replaced. */
  readonly superseded: number
}

/**
 * `select`: rows in their order, with these columns (as files hold them). The engine spills what does not fit into its memory. Throws
 * `data`/`null-key` for a row without a key.
 */
export async function takeRows(
  engine: Engine,
  { snapshot, location }: DeltaTable,
  select: string,
  how: { readonly fields: readonly Field[]; readonly key: readonly string[]; readonly newest: string | null },
): Promise<MergeRows> {
  const { fields } = how
  const find = (name: string): Field => fields.find((field) => field.name === name)!
  const key = how.key.map(find)
  const newest = how.newest === null ? null : find(how.newest)
  const number = quoteIdentifier(freshName(fields))
  const path = join(engine.directory, 'merge-rows.parquet')
  // Without an ORDER BY the engine numbers rows as they come.
  const numbered = `SELECT *, row_number() OVER () AS ${number} FROM (${storedSelect(select, fields)})`
  const { rows } = await writeParquet(engine, numbered, path, {
    fields,
    compression: 'snappy',
    rowGroupRows: 20_480, // few at once in memory, however wide they are
  })
  const source = parquetSource([path])
  const columns = [
    ...key.map((field, i) => `${quoteIdentifier(field.name)} AS k${i}`),
    `max(${number}) AS n`,
    ...(newest === null ? [] : [`arg_max_null(${quoteIdentifier(newest.name)}, ${number}) AS newest`]),
  ]
  await engine.run(`CREATE OR REPLACE TABLE ${keyTable} AS SELECT ${columns.join(', ')} FROM ${source} GROUP BY ALL`)
  await refuseNameless(engine, key, snapshot.metadata.partitionColumns, location.url)
  const [kept] = await engine.all(`SELECT count(*) AS n FROM ${keyTable}`)
  const list = fields.map((field) => `r.${quoteIdentifier(field.name)}`).join(', ')
  return {
    fields,
    key,
    newest,
    select: `SELECT ${list} FROM ${source} AS r SEMI JOIN ${keyTable} AS k ON r.${number} = k.n`,
    rows,
    superseded: rows - Number(kept!.n),
  }
}

/** That a row of the table has a key of the table of keys: `t` and `k` are their aliases. */
export const sameKey = ({ key }: Pick<MergeRows, 'key'>, t: string, k: string): string =>
  key.map((field, i) => `${t}.${quoteIdentifier(field.name)} = ${k}.k${i}`).join(' AND ')

/** Who reads the input has refused nulls by their place; here it is whatever else becomes null in the table. */
async function refuseNameless(engine: Engine, key: readonly Field[], partitions: readonly string[], where: string) {
  for (const [i, { name, type }] of key.entries()) {
    // Delta keeps an empty partition value as null.
    const empty = partitions.includes(name) && type.kind === 'Utf8' ? ` OR k${i} = ''` : ''
    const [row] = await engine.all(`SELECT count(*) AS n FROM ${keyTable} WHERE k${i} IS NULL${empty}`)
    if (Number(row!.n) === 0) continue
    const what =
      empty === '' ? 'null' : 'null, or an empty text, which Delta keeps as null where it partitions the table'
    throw fail('data', 'null-key', `column ${printable(name)} of the key is ${what}`, {
      where,
      hint: 'name another key, or give each row a value',
    })
  }
}

function freshName(fields: readonly Field[]): string {
  let name = 'tblctl_row'
  while (fields.some((field) => field.name.toLowerCase() === name)) name += '_'
  return name
}
