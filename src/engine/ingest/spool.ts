/** Accepted rows on their way into Parquet: appended to an NDJSON file in scratch that the engine reads in one go. */
import { type FileHandle, open, rm } from 'node:fs/promises'
import { fail } from '../../core/errors.ts'
import type { Field } from '../../core/types.ts'
import { quoteIdentifier, quotePath, quoteString } from '../sql-text.ts'
import { sqlType } from '../types.ts'
import { type Derived, selectList } from './derive.ts'
import { quotedType } from './json-text.ts'

const writeAtBytes = 1024 * 1024

export interface Spool extends AsyncDisposable {
  readonly path: string
  /** UTF-8 bytes appended, line ends included. */
  readonly bytes: number
  append(json: string): void
  /** Call between appends: writes once enough has gathered. */
  drain(): Promise<void>
  /** Everything is in the file. */
  finish(): Promise<void>
  /** SELECT of the table's columns over the rows; valid after finish() until it is disposed. */
  select(fields: readonly Field[], derived: Derived): string
}

/** The file is made with the first rows that are written to it. */
export function openSpool(path: string): Spool {
  let handle: FileHandle | null = null
  let lines: string[] = []
  let gathered = 0
  let bytes = 0
  let longest = 0
  async function write(): Promise<void> {
    if (lines.length === 0) return
    const text = `${lines.join('\n')}\n`
    lines = []
    gathered = 0
    try {
      handle ??= await open(path, 'wx')
      await handle.writeFile(text)
    } catch (error) {
      throw fullDisk(error, path)
    }
  }
  return {
    path,
    get bytes() {
      return bytes
    },
    append(json) {
      const size = Buffer.byteLength(json) + 1
      lines.push(json)
      gathered += size
      bytes += size
      if (size > longest) longest = size
    },
    drain: async () => {
      if (gathered >= writeAtBytes) await write()
    },
    finish: write,
    select(fields, derived) {
      // Base64 becomes bytes on the way, and strings become Json; everything else is read with its own type.
      const columns = fields.map(
        (f) =>
          `${quoteString(f.name)}: ${quoteString(f.type.kind === 'Binary' ? 'VARCHAR' : sqlType(quotedType(f.type)))}`,
      )
      const read = (field: Field): string => {
        const name = quoteIdentifier(field.name)
        return field.type.kind === 'Binary' ? `from_base64(${name})` : name
      }
      const list = selectList(fields, derived, read, (field) => sqlType(field.type))
      const size = Math.max(longest + 1, 1024 * 1024)
      return (
        `SELECT ${list} FROM read_json(${quotePath(path)}, columns = {${columns.join(', ')}}, ` +
        `format = 'newline_delimited', auto_detect = false, maximum_object_size = ${size})`
      )
    },
    async [Symbol.asyncDispose]() {
      await handle?.close()
      await rm(path, { force: true })
    },
  }
}

function fullDisk(error: unknown, where: string): unknown {
  if (!['ENOSPC', 'EDQUOT', 'EFBIG'].includes((error as NodeJS.ErrnoException).code ?? '')) return error
  return fail('failed', 'disk-full', `rows cannot be kept in the scratch folder: ${(error as Error).message}`, {
    where,
    hint: 'free some disk space, or commit more often, and run the same command again',
    retry: 'resume',
    cause: error,
  })
}
