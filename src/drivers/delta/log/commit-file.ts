/** One commit file: newline-delimited JSON, one action a line. */
import { isUtf8 } from 'node:buffer'
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import { type Action, actionOf, MalformedAction } from './actions.ts'
import { formatExact, parseExact } from './exact-json.ts'

/** `where` names the file in errors (`data`/`corrupt-commit`, at `where:line`). Lazy: a large commit is never one string. */
export function* parseCommit(bytes: Uint8Array, where: string): Generator<Action> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (!isUtf8(buffer)) throw corrupt(`${where}:1`, 'it is not valid UTF-8')
  let line = 0
  for (let start = 0; start < buffer.length; ) {
    line++
    const newline = buffer.indexOf(10, start)
    const end = newline < 0 ? buffer.length : newline
    const text = buffer.toString('utf8', start, end).trim()
    start = end + 1
    if (text === '') continue
    const action = parseLine(text, `${where}:${line}`)
    if (action !== undefined) yield action
  }
}

export const formatCommit = (actions: readonly Action[]): Uint8Array =>
  Buffer.from(actions.map((action) => `${formatExact(action)}\n`).join(''))

function parseLine(text: string, where: string): Action | undefined {
  try {
    // Only a transaction's version can need 64 bits; the exact parser takes several times as long.
    return actionOf(/^\{\s*"txn"/.test(text) ? parseExact(text) : JSON.parse(text))
  } catch (error) {
    if (error instanceof MalformedAction) throw corrupt(where, error.message)
    if (error instanceof SyntaxError) throw corrupt(where, `it is not valid JSON: "${printable(text.slice(0, 60))}"`)
    throw error
  }
}

const corrupt = (where: string, why: string): Error =>
  fail('data', 'corrupt-commit', `the Delta log cannot be read at ${where}: ${why}`, {
    where,
    hint: 'restore this file from a backup; tblctl changes nothing in a table whose log it cannot read',
  })
