/** Flags of `alter` that change columns and properties. */
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import type { OptionSpec } from '../command.ts'
import { given } from './given.ts'

/** `"event time" Timestamp` or `name Utf8`: a name, quoted where it has spaces, and a type as in table schemas. */
function column(text: string): { readonly name: string; readonly type: string } {
  const match = /^\s*(?:"((?:[^"]|"")+)"|(\S+))\s+(\S.*?)\s*$/s.exec(text)
  if (match === null)
    throw fail('usage', 'bad-column', `"${printable(text)}" is no column: a name and a type`, {
      hint: 'such as --add-column "note Utf8"; types are those of table schemas',
    })
  return { name: match[1] === undefined ? match[2]! : match[1].replaceAll('""', '"'), type: match[3]! }
}

function pair(what: string): (text: string) => readonly [string, string] {
  return (text) => {
    const at = text.indexOf('=')
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
    throw fail('usage', 'bad-option', `"${printable(text)}" is no ${what}`, { hint: `write ${what}` })
  }
}

export interface ColumnFlags {
  readonly addColumn?: readonly { readonly name: string; readonly type: string }[]
  readonly renameColumn?: readonly (readonly [string, string])[]
  readonly dropColumn?: readonly string[]
  readonly set?: readonly (readonly [string, string])[]
  readonly unset?: readonly string[]
  readonly toSchema?: string
}

export const columnFlags: readonly OptionSpec[] = [
  { flags: '--add-column <column>', description: 'a name and a type: "note Utf8"', repeat: true, parse: column },
  {
    flags: '--rename-column <old=new>',
    description: 'the rows stay as they are written',
    repeat: true,
    parse: pair('OLD=NEW'),
  },
  { flags: '--drop-column <name>', description: 'the column is no longer seen', repeat: true },
  {
    flags: '--set <property=value>',
    description: 'a property of the table',
    repeat: true,
    parse: pair('PROPERTY=VALUE'),
  },
  { flags: '--unset <property>', description: 'remove a property', repeat: true },
  { flags: '--to-schema <name>', description: 'add what the table lacks of this table schema', completes: 'schema' },
]

/** What was said, as `alter` takes it. */
export const columnChanges = ({ addColumn, renameColumn, dropColumn, set, unset, toSchema }: ColumnFlags): object =>
  given({
    addColumns: addColumn,
    renameColumns: renameColumn?.map(([from, to]) => ({ from, to })),
    dropColumns: dropColumn,
    set: set && Object.fromEntries(set),
    unset,
    toSchema,
  })
