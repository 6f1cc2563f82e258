/** What SQLite throws, as one of our errors by what the person can do about it. Result codes: sqlite.org/rescode.html. */
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'

const busy = [5, 6]
const denied = [3, 8, 14, 23]
const damaged = [11, 26]
const full = [13]

/** Any thrown value; what is not SQLite's, or a bug of ours, stays as it is. */
export function storeError(thrown: unknown, file: string): unknown {
  const { code, errcode, message } = thrown as { code?: string; errcode?: number; message?: string }
  if (['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'].includes(code ?? '')) return unusable(file, message!, thrown)
  if (code !== 'ERR_SQLITE_ERROR' || errcode === undefined) return thrown
  const primary = errcode & 0xff // the upper bits tell more of the same
  const more = { where: printable(file), cause: thrown }
  if (busy.includes(primary))
    return fail('busy', 'hot-store-busy', 'another process is writing to the hot store', { ...more, retry: 'later' })
  if (denied.includes(primary)) return unusable(file, message!, thrown)
  if (damaged.includes(primary))
    return fail('data', 'hot-store-damaged', `the hot store cannot be read: ${message}`, {
      ...more,
      hint: 'bring it back from a backup; segments and manifests are whole',
    })
  if (full.includes(primary))
    return fail('failed', 'disk-full', 'no space left for the hot store', {
      ...more,
      hint: 'free some disk space and run the same command again',
      retry: 'resume',
    })
  return thrown
}

const unusable = (file: string, message: string, cause: unknown): Error =>
  fail('denied', 'hot-store-denied', `the hot store cannot be opened: ${printable(message)}`, {
    where: printable(file),
    hint: 'check the file and its folder',
    cause,
  })
