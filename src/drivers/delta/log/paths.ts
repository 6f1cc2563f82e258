/** Names in `_delta_log`, and the paths that a log gives to data files (Delta PROTOCOL, "File Types" and "Add File"). */
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'

/** `prefix` is the table's folder in its store, `''` when the store's root is the table. */
export const tableKey = (prefix: string, path: string): string => (prefix === '' ? path : `${prefix}/${path}`)
export const logFolder = (prefix: string): string => tableKey(prefix, '_delta_log')
export const paddedVersion = (version: number): string => String(version).padStart(20, '0')
export const commitKey = (prefix: string, version: number): string =>
  `${logFolder(prefix)}/${paddedVersion(version)}.json`

export type LogFile =
  | { readonly is: 'commit'; readonly version: number }
  | { readonly is: 'checkpoint'; readonly version: number; readonly part: number; readonly parts: number }
  /** A checkpoint named by a UUID: only the feature v2Checkpoint writes these. */
  | { readonly is: 'v2-checkpoint'; readonly version: number }

/** What a name directly below `_delta_log` is; null for everything that need not be read (`.crc`, `_last_checkpoint`, …). */
export function parseLogName(name: string): LogFile | null {
  const match =
    /^(\d{20})\.(?:(json)|checkpoint\.(?:(\d{10})\.(\d{10})\.)?parquet|checkpoint\.[0-9a-fA-F-]{36}\.(json|parquet))$/.exec(
      name,
    )
  if (match === null) return null
  const version = Number(match[1])
  if (!Number.isSafeInteger(version)) return null
  if (match[2] !== undefined) return { is: 'commit', version }
  if (match[5] !== undefined) return { is: 'v2-checkpoint', version }
  if (match[3] === undefined) return { is: 'checkpoint', version, part: 1, parts: 1 }
  return { is: 'checkpoint', version, part: Number(match[3]), parts: Number(match[4]) }
}

/** Nothing to decode and nowhere to lead: as nearly all paths are. */
const plain = /^(?:[\w=+-][\w=+.,-]*\/)*[\w=+-][\w=+.,-]*$/

/**
 * The path of a data file relative to its table, percent-decoded exactly once, or why it is refused: a log that somebody else
 * wrote must not lead a reader, an optimize or a vacuum to another table's files, to other disks or into its own log.
 */
export function decodePath(logPath: string): { readonly path: string } | { readonly refused: string } {
  if (plain.test(logPath) && !logPath.startsWith('_delta_log')) return { path: logPath }
  if (logPath === '') return { refused: 'is empty' }
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(logPath)) return { refused: 'is a URL' }
  let path = logPath
  if (logPath.includes('%'))
    try {
      path = decodeURIComponent(logPath)
    } catch {
      return { refused: 'is not correctly percent-encoded' }
    }
  const refused = refusalOf(path)
  if (refused !== undefined) return { refused }
  return { path }
}

/** Why a decoded path leads where nobody may follow it; undefined when it names a file inside the table. */
export function refusalOf(path: string): string | undefined {
  if (!path.isWellFormed()) return 'is not valid Unicode'
  if (path.startsWith('/')) return 'is absolute'
  if (path.includes('\0')) return 'holds a NUL character'
  const segments = path.split('/')
  if (segments.includes('..')) return 'leads out of the table'
  if (segments.includes('.') || segments.includes('')) return 'is not in its simplest form'
  if (segments[0] === '_delta_log') return 'leads into the log'
  return undefined
}

/** The inverse of decodePath: the form in which a path enters the log. */
export function encodePath(path: string): string {
  const encoded = path
    .split('/')
    .map((segment) => encodeURIComponent(segment).replace(/%(3D|2B|2C|40|26|24|3B)/g, decodeURIComponent))
    .join('/')
  const back = decodePath(encoded)
  if ('refused' in back) throw fail('bug', 'bad-path', `the data file path ${printable(path)} ${back.refused}`)
  return encoded
}

export const refusedPath = (logPath: string, why: string, where: string): Error =>
  fail('data', 'path-outside-table', `the log names the data file "${printable(logPath)}", which ${why}`, {
    where,
    hint: 'only files inside the table are read; a shallow clone or a tampered log looks like this',
  })
