/** Keys of object stores: the rules that every store applies before it touches anything. */
import { fail } from '../core/errors.ts'
import { printable } from '../core/ref.ts'

/** Names that only a store itself uses; a listing leaves them out, and no key may end in one. */
export const reservedPrefix = '.tblctl-'

/** A file that a store writes before it has its name. */
export const isTemporary = (name: string): boolean => name.startsWith(reservedPrefix) && name.endsWith('.tmp')

export const isKey = (key: string): boolean => problem(key) === null

/** Refuses what could leave the root or name two things at once. Throws `data`/`bad-key`. */
export function checkKey(key: string): string {
  const why = problem(key)
  if (why !== null)
    throw fail('data', 'bad-key', `"${printable(key)}" cannot name an object: ${why}`, {
      hint: 'a key is relative, its parts are separated by single slashes',
    })
  return key
}

/** `''`, `a/b` and `a/b/` → `''`, `a/b`, `a/b`. */
export function checkFolder(folder: string): string {
  const key = folder.endsWith('/') ? folder.slice(0, -1) : folder
  return folder === '' ? '' : checkKey(key)
}

function problem(key: string): string | null {
  if (key === '') return 'it is empty'
  if (key.includes('\0')) return 'it holds a NUL character'
  if (key.startsWith('/')) return 'it is absolute'
  if (!key.isWellFormed()) return 'it is not valid Unicode'
  for (const segment of key.split('/')) {
    if (segment === '') return 'one of its parts is empty'
    if (segment === '.' || segment === '..') return `it contains "${segment}"`
  }
  return null
}

/** The order of keys is that of their UTF-8 bytes; JavaScript's own differs once surrogates meet U+E000–U+FFFF. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return surrogate(x) === surrogate(y) ? x - y : surrogate(x) ? 1 : -1
  }
  return a.length - b.length
}
const surrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff
