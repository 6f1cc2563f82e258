/** Reading a version whose data files are gone: the error says what takes them. */
import type { PointInTime } from '../../../core/driver.ts'
import { fail, TblctlError } from '../../../core/errors.ts'

/** `missing`/`file-missing` with a hint for that version; any other error as it is. */
export function aboutGoneFile(error: unknown, at: PointInTime | null): unknown {
  if (!(error instanceof TblctlError) || error.view.code !== 'file-missing') return error
  const { message, where } = error.view
  return fail('missing', 'file-missing', message, {
    ...(where === undefined ? {} : { where }),
    hint:
      at === null
        ? 'the log names a data file that is gone: tblctl verify lists all of them; restore them from a backup'
        : 'vacuum removes the files of old versions once their retention is over; newer versions can still be read',
    cause: error,
  })
}

export async function* tellingOfGoneFiles<T>(items: AsyncIterable<T>, at: PointInTime | null): AsyncGenerator<T> {
  try {
    yield* items
  } catch (error) {
    throw aboutGoneFile(error, at)
  }
}
