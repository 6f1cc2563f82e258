/**
 * Names in ClickHouse: quoting, and the physical name of a table of a project, `<table>_<slug>`. Every (project, table) has a name of its
 * own, also where the file system or a person does not tell upper from lower case; what is not plain is encoded, and can be decoded.
 */
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'

/** Backtick and escapes: any text is one identifier. */
export const quoteIdentifier = (name: string): string =>
  `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('\0', '\\0')}\``

export const quoteName = (database: string, table: string): string =>
  `${quoteIdentifier(database)}.${quoteIdentifier(table)}`

export const quoteString = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\0', '\\0')}'`

/** A table's metadata is a file `<name>.sql`, and a dropped one's has its UUID too: longer names fail when they are dropped. */
export const mostNameBytes = 206

/**
 * `<table>_<slug>`. A slug never has a `_`, so the last one ends the table's name, and no two pairs meet: tenant `a_b` with table `x`
 * is `x_a-5fb`, tenant `b` with table `x_a` is `x_a_b`. Throws a usage error for a name that is too long.
 */
export function physicalName(table: string, project: string): string {
  const name = `${encode(table, plainTable)}_${encode(project, plainProject)}`
  if (Buffer.byteLength(name) > mostNameBytes)
    throw fail(
      'usage',
      'name-too-long',
      `the table's name in ClickHouse would be ${printable(name)}, and names have at most ${mostNameBytes} bytes`,
      { hint: 'choose a shorter name for the project or the table' },
    )
  return name
}

/** The pair that `physicalName` made the name of; undefined when it made none such. */
export function logicalName(name: string): { table: string; project: string } | undefined {
  const at = name.lastIndexOf('_')
  if (at < 1) return undefined
  const [table, project] = [decode(name.slice(0, at)), decode(name.slice(at + 1))]
  if (table === undefined || project === undefined) return undefined
  const same = `${encode(table, plainTable)}_${encode(project, plainProject)}` === name
  return same ? { table, project } : undefined
}

const plainTable = /[a-z0-9_]/
const plainProject = /[a-z0-9]/

/** What is not plain stands as `-` and its two hexadecimal digits (names in refs are ASCII). */
const encode = (text: string, plain: RegExp): string =>
  [...Buffer.from(text, 'utf8')]
    .map((byte) => {
      const char = String.fromCharCode(byte)
      return byte < 128 && plain.test(char) ? char : `-${byte.toString(16).padStart(2, '0')}`
    })
    .join('')

function decode(text: string): string | undefined {
  if (!/^(?:[a-z0-9_]|-[0-9a-f]{2})+$/.test(text)) return undefined
  const bytes = [...text.matchAll(/-([0-9a-f]{2})|(.)/g)].map(([, hex, char]) =>
    hex === undefined ? char!.charCodeAt(0) : Number.parseInt(hex, 16),
  )
  return Buffer.from(bytes).toString('utf8')
}
