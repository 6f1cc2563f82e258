/** Whose rows: an id is any text, bound as a value in the hot store and encoded as one folder name below the location. */
import { createHash } from 'node:crypto'
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'

const mostBytes = 1024
/** Some file systems take 255 bytes for a name; templates may add to it. */
const longestName = 200

/** Throws a usage error for no user, an empty one, more than 1 KiB, NUL, or invalid Unicode: U+FFFD too, which every text that could not be read becomes. */
export function requireUser(as: string | null): string {
  if (as === null)
    throw fail('usage', 'missing-user', 'rows of a user table belong to users: whose?', { hint: 'add --as USER' })
  if (as === '' || !as.isWellFormed() || /[\0\uFFFD]/.test(as) || Buffer.byteLength(as) > mostBytes)
    throw fail(
      'usage',
      'bad-user',
      `"${printable(as)}" cannot be a user: 1 to ${mostBytes} bytes of valid Unicode without NUL and U+FFFD`,
    )
  return as
}

/**
 * Injective also where upper and lower case are one: `a`–`z`, `0`–`9` and `-` stay, every other byte is `_` and two hexadecimal digits
 * (`U1` → `_551`). Ids whose name would be too long are `_z` and their SHA-256: no encoded byte begins with `z`.
 */
export function folderOfUser(user: string): string {
  const name = [...Buffer.from(user)]
    .map((byte) => {
      const character = String.fromCharCode(byte)
      return /[a-z0-9-]/.test(character) ? character : `_${byte.toString(16).padStart(2, '0')}`
    })
    .join('')
  return name.length <= longestName ? name : `_z${createHash('sha256').update(user).digest('hex')}`
}
