/** Folders named after partition values, in Hive's manner (`date=2026-01-01/hour=7`): pure. */
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { DataType, Field } from '../../../core/types.ts'

/** What stands for a null in a folder's name. */
const nullName = '__HIVE_DEFAULT_PARTITION__'

/** Spark and Hive leave such files and folders out; a folder `_day=…` is one of a column that is called so. */
export const isHidden = (path: string): boolean =>
  path
    .split('/')
    .some(
      (name, i, all) =>
        name.startsWith('.') || (name.startsWith('_') && !(i < all.length - 1 && name.indexOf('=') > 0)),
    )

export interface HivePath {
  readonly columns: readonly string[]
  readonly values: readonly (string | null)[]
}

/** The folders above a file, escapes undone once. Throws `refused`/`mixed-layout` for a folder that names no value. */
export function hivePathOf(path: string): HivePath {
  const columns: string[] = []
  const values: (string | null)[] = []
  for (const folder of path.split('/').slice(0, -1)) {
    const at = folder.indexOf('=')
    if (at <= 0)
      throw fail('refused', 'mixed-layout', `${printable(path)} lies in a folder that names no partition value`, {
        where: path,
        hint: 'files lie in the folder itself, or in folders such as date=2026-01-01',
      })
    columns.push(unescaped(folder.slice(0, at), path))
    const text = unescaped(folder.slice(at + 1), path)
    // Delta keeps an empty partition value as null.
    values.push(text === nullName || text === '' ? null : text)
  }
  return { columns, values }
}

function unescaped(text: string, path: string): string {
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) => {
    try {
      return decodeURIComponent(escapes)
    } catch {
      throw fail('refused', 'bad-partition', `${printable(path)} has an escape that is no UTF-8: ${escapes}`, {
        where: path,
      })
    }
  })
}

/** `values`: every value of the column that is not null. Whole numbers, dates, else text: a leading zero means something. */
export function partitionField(name: string, values: ReadonlySet<string>): Field {
  const all = (fits: (text: string) => boolean): boolean => values.size > 0 && [...values].every(fits)
  const type: DataType = all((text) => isWhole(text, 31n))
    ? { kind: 'Int32' }
    : all((text) => isWhole(text, 63n))
      ? { kind: 'Int64' }
      : all(isDate)
        ? { kind: 'Date32' }
        : { kind: 'Utf8' }
  return { name, type, nullable: true }
}

const isWhole = (text: string, bits: bigint): boolean =>
  /^(0|-?[1-9]\d{0,18})$/.test(text) && BigInt(text) >= -(2n ** bits) && BigInt(text) < 2n ** bits

function isDate(text: string): boolean {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined
  return time !== undefined && !Number.isNaN(time.getTime()) && time.toISOString().startsWith(text)
}
