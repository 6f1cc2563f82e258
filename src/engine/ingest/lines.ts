/** NDJSON: one row a line, UTF-8, `\n` or `\r\n`; blank lines are no rows but count as lines. */
import { Buffer, isUtf8 } from 'node:buffer'
import { fail } from '../../core/errors.ts'
import type { RowCheck } from './row-check.ts'
import { type ByteSource, type InputRow, longestLine, type Skip } from './rows.ts'

/** Throws `line-too-long` with its place. */
export async function* ndjsonRows(source: ByteSource, check: RowCheck, skip: Skip): AsyncGenerator<InputRow[]> {
  for await (const { first, lines } of lineBlocks(source)) {
    const rows: InputRow[] = []
    for (let i = 0; i < lines.length; i++) {
      const text = lines[i]!
      if (text !== null && isBlank(text)) continue
      if (skip.left > 0) {
        skip.left--
        continue
      }
      rows.push(inputRow(first + i, text, check))
    }
    if (rows.length > 0) yield rows
  }
}

function inputRow(line: number, text: string | null, check: RowCheck): InputRow {
  if (text === null) return { line, rejection: { column: null, reason: 'the line is not valid UTF-8' }, row: 'null' }
  const judged = check(text)
  if ('json' in judged) return { line, json: judged.json }
  return { line, rejection: judged.rejection, row: rowText(text) }
}

/** The line itself when it is JSON, otherwise the line as a JSON string. */
function rowText(text: string): string {
  try {
    JSON.parse(text)
    return text.trim().replaceAll('\r', ' ')
  } catch {
    return JSON.stringify(text)
  }
}

const isBlank = (text: string): boolean => text.length === 0 || (text.charCodeAt(0) <= 32 && text.trim() === '')

interface LineBlock {
  /** Number of the first line, from 1. */
  readonly first: number
  /** Without line ends; null = not UTF-8. */
  readonly lines: readonly (string | null)[]
}

async function* lineBlocks({ name, bytes }: ByteSource): AsyncGenerator<LineBlock> {
  let carried: Uint8Array[] = []
  let carriedBytes = 0
  let first = 1
  for await (const chunk of bytes) {
    const end = chunk.lastIndexOf(10)
    if (end < 0) {
      carried.push(chunk)
      carriedBytes += chunk.length
    } else {
      const lines = decode(Buffer.concat([...carried, chunk.subarray(0, end)]), first)
      checkLengths(lines, name, first)
      yield { first, lines }
      first += lines.length
      carried = [chunk.subarray(end + 1)]
      carriedBytes = chunk.length - end - 1
    }
    if (carriedBytes > longestLine) throw tooLong(name, first)
  }
  if (carriedBytes > 0) yield { first, lines: decode(Buffer.concat(carried), first) }
}

function decode(bytes: Buffer, first: number): (string | null)[] {
  const mark = first === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  if (isUtf8(bytes)) return bytes.toString('utf8', mark).split('\n').map(withoutReturn)
  const lines: (string | null)[] = []
  for (let start = mark; start <= bytes.length; ) {
    const found = bytes.indexOf(10, start)
    const end = found < 0 ? bytes.length : found
    const line = bytes.subarray(start, end)
    lines.push(isUtf8(line) ? withoutReturn(line.toString('utf8')) : null)
    start = end + 1
  }
  return lines
}
const withoutReturn = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line)

function checkLengths(lines: readonly (string | null)[], name: string, first: number): void {
  const long = lines.findIndex((line) => line !== null && line.length > longestLine)
  if (long >= 0) throw tooLong(name, first + long)
}

function tooLong(name: string, line: number): Error {
  return fail('data', 'line-too-long', `a line is longer than ${longestLine / 1024 / 1024} MiB`, {
    where: `${name}:${line}`,
    hint: 'NDJSON has one JSON object on each line',
  })
}
