/** Errors of the file system, in words that a user can act on. */
import { fail, TblctlError } from '../core/errors.ts'
import { printable } from '../core/ref.ts'

export const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code

/** Nothing there: no such file, or a part of the path is a file. */
export const isAbsent = (error: unknown): boolean => codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR'

const full: readonly (string | undefined)[] = ['ENOSPC', 'EDQUOT', 'EFBIG']
const denied: readonly (string | undefined)[] = ['EACCES', 'EPERM', 'EROFS']
const noLinks: readonly (string | undefined)[] = ['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']

/** `doing` completes "cannot …". What is not about the disk stays a bug of ours. */
export function storageError(error: unknown, doing: string, path: string): unknown {
  if (error instanceof TblctlError) return error
  const code = codeOf(error)
  if (code === undefined) return error
  const where = printable(path)
  const message = `cannot ${doing} ${where}`
  if (full.includes(code))
    return fail('failed', 'disk-full', `${message}: ${reasons[code]}`, {
      where,
      hint: 'free some space, then run the same command again',
      retry: 'resume',
      cause: error,
    })
  if (denied.includes(code))
    return fail('denied', 'storage-denied', `${message}: ${reasons[code]}`, {
      where,
      hint: 'check the owner and the mode of the folder, and how it is mounted',
      cause: error,
    })
  if (noLinks.includes(code))
    return fail('failed', 'no-hard-links', `${message}: this file system cannot create one more hard link`, {
      where,
      hint: 'commits need hard links; keep the table on a local file system that has them',
      cause: error,
    })
  return fail('failed', 'storage-failed', `${message}: ${reasons[code] ?? code}`, { where, cause: error })
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be larger than the limit on file sizes',
  EACCES: 'permission denied',
  EPERM: 'the operation is not permitted',
  EROFS: 'the file system is read-only',
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EISDIR: 'it is a folder',
  EIO: 'the device reported an input/output error',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'too many files are open',
  ELOOP: 'its symbolic links lead in a circle',
}
