/** Rows that do not fit: into the reject file as NDJSON, or the end of the load. */
import { type FileHandle, open } from 'node:fs/promises'
import { durable } from '../../core/durable.ts'
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import type { Rejection } from './row-check.ts'

export interface Rejects extends AsyncDisposable {
  /** `row`: JSON text. Without a reject file it throws `row-rejected` with place, column and reason. */
  add(file: string, line: number, rejection: Rejection, row: string): void
  /** What was added is on the disk when it returns. */
  flush(): Promise<void>
}

/**
 * The file is made with the first rejected row, and appended to when it is there: a resumed load goes on in it. Rows that were
 * rejected after the last commit before a crash may stand in it twice.
 */
export function openRejects(path: string | null): Rejects {
  let handle: FileHandle | null = null
  let waiting: string[] = []
  return {
    add(file, line, { column, reason }, row) {
      if (path === null) throw rejected(file, line, { column, reason })
      const head = JSON.stringify({ file, line, column, reason })
      waiting.push(`${head.slice(0, -1)},"row":${row}}\n`)
    },
    async flush() {
      if (waiting.length === 0) return
      const text = waiting.join('')
      waiting = []
      durable('reject-file:before')
      handle ??= await openFile(path!)
      await handle.appendFile(text)
      await handle.sync()
      durable('reject-file:after')
    },
    async [Symbol.asyncDispose]() {
      await handle?.close()
      handle = null
    },
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'a')
  } catch (error) {
    throw fail('failed', 'reject-file', `the reject file cannot be written: ${(error as Error).message}`, {
      where: printable(path),
      cause: error,
    })
  }
}

function rejected(file: string, line: number, { column, reason }: Rejection): Error {
  const what = column === null ? 'a row does not fit' : `a row does not fit: column "${printable(column)}"`
  return fail('data', 'row-rejected', column === null ? `${what}: ${reason}` : `${what} ${reason}`, {
    where: `${file}:${line}`,
    hint: 'correct the row, or --reject-to FILE keeps the rest and writes such rows there',
  })
}
