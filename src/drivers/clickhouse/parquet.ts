/** Rows out of ClickHouse for the embedded engine: one Parquet file in the engine's own folder, and a SELECT that gives the declared types. */
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fail, TblctlError } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import type { Field } from '../../core/types.ts'
import type { Engine } from '../../engine/engine.ts'
import { quoteIdentifier as engineIdentifier, parquetSource } from '../../engine/sql-text.ts'
import { sqlType } from '../../engine/types.ts'
import type { Executor, Settings, Statement } from './executor.ts'
import { quoteIdentifier, quoteString } from './names.ts'
import type { ColumnType } from './types.ts'

export interface ResultColumn extends ColumnType {
  readonly name: string
  /** As the server prints its type. */
  readonly clickhouseType: string
}

const parquetSettings: Settings = {
  output_format_parquet_string_as_string: 1,
  output_format_parquet_datetime_as_uint32: 0,
  output_format_parquet_date_as_uint16: 0,
  output_format_parquet_compression_method: 'zstd',
}

/**
 * One column of a SELECT in a form that Parquet carries without loss: bytes that are no text as Base64, what Parquet has no type for as text,
 * and nanoseconds too, which the embedded engine would round where they are instants.
 */
export function carried({ name, type, asText, clickhouseType }: ResultColumn): string {
  const column = quoteIdentifier(name)
  if (clickhouseType === 'Nullable(Nothing)') return `CAST(${column}, 'Nullable(String)')` // NULL by itself
  if (asText) return `toString(${column})`
  if (type.kind === 'Binary') return `base64Encode(${column})`
  if (!nanoseconds.test(clickhouseType)) return column
  const inUtc = replaceNanoseconds(clickhouseType, "DateTime64(9, 'UTC')")
  const asTexts = replaceNanoseconds(clickhouseType, 'String')
  return `CAST(CAST(${column}, ${quoteString(inUtc)}), ${quoteString(asTexts)})`
}
export const needsCarrying = ({ type, asText, clickhouseType }: ResultColumn): boolean =>
  asText || type.kind === 'Binary' || nanoseconds.test(clickhouseType)

const replaceNanoseconds = (type: string, by: string): string => type.replace(new RegExp(nanoseconds, 'g'), by)
const nanoseconds = /\bDateTime64\([789](?:, '[^']*')?\)/

/**
 * Runs the statement, whose columns are `carried` ones in this order, and returns a SELECT over the file in which its answer now lies.
 * Columns are told by their place: a result may have the same name twice, and the engine does not tell upper from lower case.
 */
export async function fetchParquet(
  executor: Executor,
  engine: Engine,
  statement: Statement,
  columns: readonly ResultColumn[],
  name: string,
): Promise<{ select: string; file: string }> {
  const file = join(engine.directory, `${name}.parquet`)
  const bytes = executor.bytes({ ...statement, settings: { ...parquetSettings, ...statement.settings } }, 'Parquet')
  await pipeline(Readable.from(bytes), createWriteStream(file))
  const list = fieldsOf(columns).map((field, i) => {
    const value = field.type.kind === 'Binary' ? `from_base64(c${i})` : `c${i}`
    return `CAST(${value} AS ${sqlType(field.type)}) AS ${engineIdentifier(field.name)}`
  })
  const places = columns.map((_, i) => `c${i}`)
  return { select: `SELECT ${list.join(', ')} FROM ${parquetSource([file])} AS f(${places.join(', ')})`, file }
}

/** The engine takes text that is no UTF-8 for a damaged file: then this is said of the column, and else the error as it was. */
export async function notText(
  engine: Engine,
  file: string,
  columns: readonly ResultColumn[],
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof TblctlError) || error.view.code !== 'corrupt-file') return error
  for (const [i, { name, clickhouseType }] of columns.entries()) {
    if (!/String/.test(clickhouseType)) continue
    const places = columns.map((_, place) => `c${place}`).join(', ')
    const length = `max(length(CAST(c${i} AS VARCHAR)))`
    const readable = await engine
      .all(`SELECT ${length} FROM ${parquetSource([file])} AS f(${places})`)
      .then(() => true)
      .catch(() => false)
    if (readable) continue
    return fail('data', 'not-utf-8', `column "${printable(name)}" has a text that is not UTF-8`, {
      hint: 'ask for hex(…), base64Encode(…) or toValidUTF8(…) of it',
    })
  }
  return error
}

export function fieldsOf(columns: readonly ResultColumn[]): Field[] {
  const names = uniqueNames(columns)
  return columns.map(({ type, nullable }, i) => ({ name: names[i]!, type, nullable }))
}

/** The second `id` is `id_1`: rows as objects would lose one otherwise. */
function uniqueNames(columns: readonly ResultColumn[]): string[] {
  const seen = new Map<string, number>()
  return columns.map(({ name }) => {
    const times = seen.get(name.toLowerCase()) ?? 0
    seen.set(name.toLowerCase(), times + 1)
    return times === 0 ? name : `${name}_${times}`
  })
}
