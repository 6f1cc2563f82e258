/** CSV as RFC 4180 has it, with a header row; an empty field without quotes is null. */
import { Buffer, isUtf8 } from 'node:buffer'
import type { CsvError, Info, Parser } from 'csv-parse'
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import type { Field } from '../../core/types.ts'
import { type CsvCheck, csvCheck } from './csv-value.ts'
import type { Derived } from './derive.ts'
import { emptyReason, missing, type Rejection, sample, unknownColumn } from './row-check.ts'
import { type ByteSource, type InputRow, longestLine, type Skip } from './rows.ts'

/** Null is an empty field without quotes. */
export type CsvRecord = readonly (string | null)[]
const recordsOfBlock = 512

/** Records with the line on which each begins, the header among them. Throws `bad-csv` with the place. */
export async function* csvRecords(
  source: ByteSource,
): AsyncGenerator<{ readonly record: CsvRecord; readonly line: number }[]> {
  const { parse } = await import('csv-parse')
  const parser = parse({
    bom: true,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: longestLine,
    cast: (text, context) => (text === '' && !context.quoting ? null : text),
  })
  const feeding = feed(source, parser)
  try {
    let records: { record: CsvRecord; line: number }[] = []
    let [lines, blank, offset] = [0, 0, 0]
    for await (const { record, info } of parser as AsyncIterable<{ record: CsvRecord; info: Info }>) {
      records.push({ record, line: lines - offset + info.empty_lines - blank + 1 })
      // The parser counts a quoted \r\n twice.
      const doubled =
        info.lines - lines > 1 ? record.reduce((sum, text) => sum + (text?.split('\r\n').length ?? 1) - 1, 0) : 0
      offset += doubled
      lines = info.lines
      blank = info.empty_lines
      if (records.length < recordsOfBlock) continue
      yield records
      records = []
    }
    if (records.length > 0) yield records
    await feeding
  } catch (error) {
    throw badCsv(error, source.name)
  } finally {
    parser.destroy()
    feeding.catch(() => {})
  }
}

/** Throws as csvRecords does, and `unknown-column`, `missing-column` for the header. */
export async function* csvRows(
  source: ByteSource,
  fields: readonly Field[],
  derived: Derived,
  skip: Skip,
): AsyncGenerator<InputRow[]> {
  let check: ((record: CsvRecord, line: number) => InputRow) | null = null
  for await (const records of csvRecords(source)) {
    const rows: InputRow[] = []
    for (const { record, line } of records) {
      if (check === null) check = recordCheck(record, fields, derived, source.name)
      else if (skip.left > 0) skip.left--
      else rows.push(check(record, line))
    }
    if (rows.length > 0) yield rows
  }
}

/** Checks UTF-8 on the way: the parser would put replacement characters in its place. */
async function feed({ name, bytes }: ByteSource, parser: Parser): Promise<void> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let line = 1
  try {
    for await (const chunk of bytes) {
      try {
        decoder.decode(chunk, { stream: true })
      } catch {
        throw fail('data', 'bad-csv', 'the file is not valid UTF-8', {
          where: `${name}:${line + linesBeforeDamage(chunk)}`,
        })
      }
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) line++
      const block = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      for (let start = 0; start < block.length; start += writtenAtOnce) {
        if (parser.destroyed) return
        if (!parser.write(block.subarray(start, start + writtenAtOnce))) await drained(parser)
      }
    }
    parser.end()
  } catch (error) {
    parser.destroy(error as Error)
  }
}

/** All records of a write are in memory at once. */
const writtenAtOnce = 64 * 1024

async function drained(parser: Parser): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  parser.once('drain', resolve)
  parser.once('close', resolve)
  await promise
  parser.off('drain', resolve)
  parser.off('close', resolve)
}

function linesBeforeDamage(chunk: Uint8Array): number {
  let lines = 0
  for (let start = 0; start < chunk.length; lines++) {
    const found = chunk.indexOf(10, start)
    const end = found < 0 ? chunk.length : found
    // The first line may have begun in the chunk before, with the first bytes of a character.
    if (lines > 0 && !isUtf8(chunk.subarray(start, end))) return lines
    start = end + 1
  }
  return 0
}

function recordCheck(header: CsvRecord, fields: readonly Field[], derived: Derived, name: string) {
  const where = `${name}:1`
  const names = header.map((column) => column ?? '')
  const twice = names.find((column, i) => names.indexOf(column) !== i)
  if (twice !== undefined)
    throw fail('data', 'bad-csv', `column "${printable(twice)}" stands twice in the header`, { where })
  if (names.some((column) => !fields.some((f) => f.name === column))) {
    const { column, reason } = unknownColumn(fields)(names)
    throw fail('data', 'unknown-column', `"${printable(column!)}" ${reason}`, { where })
  }
  for (const field of fields)
    if (
      !names.includes(field.name) &&
      !field.nullable &&
      !derived.fills(field.name) &&
      !derived.couldFollow(field.name, names)
    )
      throw fail(
        'data',
        'missing-column',
        `the header lacks column "${printable(field.name)}", and ${derived.need(field.name)}`,
        { where },
      )

  const columns = names.map((column) => {
    const field = fields.find((f) => f.name === column)!
    return { field, check: csvCheck(field), key: JSON.stringify(column) }
  })
  return (record: CsvRecord, line: number): InputRow => {
    const judged = judge(record, columns, derived)
    if (typeof judged === 'string') return { line, json: judged }
    return {
      line,
      rejection: judged,
      row: JSON.stringify(Object.fromEntries(names.map((n, i) => [n, record[i] ?? null]))),
    }
  }
}

function judge(
  record: CsvRecord,
  columns: readonly { field: Field; check: CsvCheck; key: string }[],
  derived: Derived,
): string | Rejection {
  if (record.length !== columns.length)
    return { column: null, reason: `the record has ${record.length} fields, the header has ${columns.length}` }
  const members: string[] = []
  for (let i = 0; i < columns.length; i++) {
    const text = record[i]!
    const { field, check, key } = columns[i]!
    if (text === null) {
      const row = (): Record<string, unknown> => Object.fromEntries(columns.map((c, n) => [c.field.name, record[n]]))
      if (!field.nullable && !derived.fills(field.name) && !derived.later(field.name, row()))
        return missing(field.name, true, derived)
      continue
    }
    if (field.name === derived.projectColumn && text !== derived.project)
      return { column: field.name, reason: `${sample(text)} ${derived.contradiction}` }
    if (text === '' && derived.mustBeFilled(field.name))
      return { column: field.name, reason: `${sample(text)} ${emptyReason(field.name, derived)}` }
    const result = check(text)
    if (!('json' in result))
      return { column: field.name + result.at, reason: `${sample(result.value)} ${result.reason}` }
    const broken = derived.rule(field.name)?.problem(text) ?? null
    if (broken !== null) return { column: field.name, reason: `${sample(text)} ${broken}` }
    members.push(`${key}:${result.json}`)
  }
  return `{${members.join(',')}}`
}

function badCsv(error: unknown, name: string): unknown {
  const { code, lines, message } = error as CsvError & { lines?: number }
  if (typeof code !== 'string' || !/^(CSV|INVALID)_/.test(code)) return error
  return fail('data', 'bad-csv', `the file is not valid CSV: ${printable(message)}`, {
    where: lines === undefined ? name : `${name}:${lines}`,
    hint: 'fields with commas, quotes or line breaks stand in double quotes; a quote inside is doubled',
    cause: error,
  })
}
