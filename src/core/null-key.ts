/** A key that is NULL in a row: nothing can say which row it is, so no row of its page is written. */
import { fail, type TblctlError } from './errors.ts'
import { printable } from './ref.ts'

/** `time`: of the row, as exact text; null when it has none. */
export function nullKey(column: string, time: string | null, where?: string): TblctlError {
  const row = time === null ? 'a row without a time' : `a row of ${time}`
  return fail('data', 'null-key', `column ${printable(column)} of the key is NULL in ${row}`, {
    ...(where === undefined ? {} : { where }),
    hint: 'name another key, or fill the column at the source',
  })
}
