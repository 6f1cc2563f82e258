/** One statement: an argument, a file, or standard input. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import type { TableContext } from './traits.ts'

/** Longer than any statement that a person or a program writes. */
const mostSqlBytes = 1_000_000

/** `source`: what the text is called in errors. Throws a usage error unless exactly one of argument and file is given. */
export async function readStatement(
  { io }: TableContext,
  argument: string | undefined,
  file: string | undefined,
  { verb, example }: { readonly verb: string; readonly example: string },
): Promise<{ readonly text: string; readonly source: string }> {
  if ((argument === undefined) === (file === undefined))
    throw fail('usage', 'one-statement', `${verb} takes one statement, as an argument or with --file`, {
      hint: example,
    })
  const [text, source] =
    argument === '-'
      ? [await readAll(io.stdin), 'standard input']
      : file === undefined
        ? [argument!, verb]
        : [await readText(io.directory, file), file]
  if (text.trim() === '') throw fail('usage', 'empty-statement', 'the statement is empty')
  return { text, source }
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
