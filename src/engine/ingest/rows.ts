/** What the readers of text formats give: rows in order, each accepted as JSON text or rejected. */
import { createReadStream } from 'node:fs'
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import type { Rejection } from './row-check.ts'

export type InputRow =
  | { readonly line: number; readonly json: string }
  /** `row`: JSON text of the row as it came, for the reject file. */
  | { readonly line: number; readonly rejection: Rejection; readonly row: string }

/** Rows that an interrupted load has taken already; the readers count it down instead of checking them. */
export interface Skip {
  left: number
}

/** A line, or a CSV record, may not be longer. */
export const longestLine = 16 * 1024 * 1024

export interface ByteSource {
  /** How messages call it: the path, or `-` for standard input. */
  readonly name: string
  readonly bytes: AsyncIterable<Uint8Array>
}

export function fileSource(path: string): ByteSource {
  return { name: printable(path), bytes: readFile(path) }
}

async function* readFile(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const bytes of createReadStream(path, { highWaterMark: 256 * 1024 })) yield bytes as Uint8Array
  } catch (error) {
    throw unreadable(path, error)
  }
}

/** `input-missing` or `input-unreadable`, naming the file. */
export function unreadable(path: string, error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code
  const where = printable(path)
  if (code === 'ENOENT') return fail('missing', 'input-missing', `there is no file ${where}`, { where, cause: error })
  const why = code === 'EISDIR' ? 'it is a folder' : (error as Error).message
  return fail(code === 'EACCES' ? 'denied' : 'failed', 'input-unreadable', `${where} cannot be read: ${why}`, {
    where,
    cause: error,
  })
}
