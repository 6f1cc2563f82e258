/** A place in a statement, and errors that name it. */
import { fail, type TblctlError } from '../core/errors.ts'
import { printable } from '../core/ref.ts'

/** The text of a statement and what it is called in errors: `sql`, or a file. */
export interface Source {
  readonly name: string
  readonly text: string
}

/** `users.sql:3:14`: line and column count from 1, columns in characters. `at`: offset in UTF-16 units. */
export function placeOf({ name, text }: Source, at: number): string {
  const before = text.slice(0, at)
  const lineStart = before.lastIndexOf('\n') + 1
  const line = before.split('\n').length
  return `${printable(name)}:${line}:${[...before.slice(lineStart)].length + 1}`
}

/** The statement is not understood at this place. What the message takes from the statement may be hostile: it is made printable here. */
export const badSql = (source: Source, at: number, message: string, hint?: string): TblctlError =>
  fail('usage', 'bad-sql', printable(message), { where: placeOf(source, at), ...(hint === undefined ? {} : { hint }) })

/** It is understood, and tblctl does not do it. `what` is the subject of the sentence. */
export const unsupportedSql = (source: Source, at: number, what: string, hint?: string): TblctlError =>
  fail('unsupported', 'unsupported-sql', printable(`${what} is not supported in this version`), {
    where: placeOf(source, at),
    ...(hint === undefined ? {} : { hint }),
  })
