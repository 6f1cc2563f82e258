/** The `commitInfo` of one commit (Delta PROTOCOL, "Commit Provenance Information"), without reading a large commit whole where that can be spared. */
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { ObjectInfo, ObjectStore } from '../../../storage/object-store.ts'
import { isObject } from './exact-json.ts'

export type CommitInfo = { readonly [key: string]: unknown }

/** It is the first line where the protocol asks for it, and often the last one elsewhere. */
const pieceBytes = 64 * 1024
const begins = /^\s*\{\s*"commitInfo"\s*:/

/** Null when the commit has none, or one that is no object. Undefined when the commit is gone. Throws `data`/`corrupt-commit`. */
export async function readCommitInfo(
  store: ObjectStore,
  { key, size }: Pick<ObjectInfo, 'key' | 'size'>,
): Promise<CommitInfo | null | undefined> {
  const where = printable(store.localPath(key) ?? `${store.url}/${key}`)
  if (size > 2 * pieceBytes) {
    const head = await store.read(key, { offset: 0, length: pieceBytes })
    const tail = await store.read(key, { offset: size - pieceBytes, length: pieceBytes })
    if (head === undefined || tail === undefined) return undefined
    // What is cut off is no whole line.
    const found = infoIn([...linesOf(head).slice(0, -1), ...linesOf(tail).slice(1)], where)
    if (found !== undefined) return found
  }
  const whole = await store.read(key)
  return whole === undefined ? undefined : (infoIn(linesOf(whole), where) ?? null)
}

const linesOf = (bytes: Uint8Array): readonly string[] => Buffer.from(bytes).toString('utf8').split('\n')

/** Undefined when no line is one. */
function infoIn(lines: readonly string[], where: string): CommitInfo | null | undefined {
  const line = lines.find((text) => begins.test(text))
  if (line === undefined) return undefined
  try {
    const parsed: unknown = JSON.parse(line)
    const info = isObject(parsed) ? parsed.commitInfo : null
    return isObject(info) ? info : null
  } catch {
    throw fail('data', 'corrupt-commit', `the Delta log cannot be read at ${where}: its commitInfo is not valid JSON`, {
      where,
      hint: 'restore this file from a backup; tblctl changes nothing in a table whose log it cannot read',
    })
  }
}

/** Of this commit, in milliseconds; undefined where it carries none. */
export function inCommitTimestampIn(info: CommitInfo | null | undefined): number | undefined {
  const time = info?.inCommitTimestamp
  return Number.isSafeInteger(time) ? (time as number) : undefined
}
