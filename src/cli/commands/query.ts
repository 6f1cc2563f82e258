/** `tblctl query`: one read-only SELECT over a table. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import type { CommandModule } from '../command.ts'
import { rowsView } from '../tables/rows.ts'
import { streaming, type TableContext } from '../tables/traits.ts'

/** Longer than any statement that a person or a program writes. */
const mostSqlBytes = 1_000_000

interface Arguments {
  readonly ref: string
  readonly sql?: string
}

export const command: CommandModule<Arguments, { file?: string }> = {
  name: 'query',
  summary: 'Ask a table with one SELECT',
  description:
    'The table is visible as t. Only one read-only SELECT is allowed, and it sees nothing but this table.\n\nRows are printed as they come. 64-bit integers and decimals are exact, times are RFC 3339, bytes are base64.',
  examples: [
    { command: 'tblctl query lake:acme/metrics "select count(*) as n from t"', does: 'how many rows' },
    { command: 'tblctl query lake:acme/metrics "from t limit 10" -o json', does: 'for scripts: .columns, .rows[]' },
    {
      command: 'tblctl query lake:acme/metrics --file report.sql -o csv > report.csv',
      does: 'a statement from a file',
    },
  ],
  arguments: [
    { name: '<ref>', description: 'the table', completes: 'table' },
    { name: '[sql]', description: 'the SELECT, or - to read it from standard input' },
  ],
  options: [{ flags: '-f, --file <file>', description: 'read the SELECT from this file', completes: 'file' }],
  takes: streaming,
  columns: 'dynamic',
  async run(context: TableContext, { ref, sql }, { file }) {
    const text = await statement(context, sql, file)
    const api = await context.api()
    await using rows = await api.query(ref, text)
    await context.print(rowsView(rows, context.global))
  },
}

async function statement({ io }: TableContext, sql: string | undefined, file: string | undefined): Promise<string> {
  if ((sql === undefined) === (file === undefined))
    throw fail('usage', 'one-statement', 'query takes one statement, as an argument or with --file', {
      hint: 'tblctl query REF "select count(*) from t"',
    })
  const text = sql === '-' ? await readAll(io.stdin) : file === undefined ? sql! : await readText(io.directory, file)
  if (text.trim() === '') throw fail('usage', 'empty-statement', 'the statement is empty')
  return text
}

async function readAll(stream: AsyncIterable<Uint8Array | string>): Promise<string> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of stream) {
    pieces.push(Buffer.from(piece as Uint8Array))
    length += piece.length
    if (length > mostSqlBytes) throw tooLong('standard input')
  }
  return Buffer.concat(pieces).toString('utf8')
}

async function readText(directory: string, file: string): Promise<string> {
  let text: string
  try {
    text = await readFile(resolve(directory, file), 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') throw fail('missing', 'file-not-found', `there is no file ${printable(file)}`, { cause })
    const kind = code === 'EACCES' || code === 'EPERM' ? 'denied' : 'failed'
    throw fail(kind, 'file-unreadable', `${printable(file)} cannot be read (${code ?? 'unknown error'})`, { cause })
  }
  if (text.length > mostSqlBytes) throw tooLong(printable(file))
  return text
}

const tooLong = (source: string): Error =>
  fail('usage', 'statement-too-long', `${source} is longer than ${mostSqlBytes} bytes and no statement`)
