/** Folders and output files on the local disk, made with the care that a user's own paths need. */
import { existsSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fail } from './errors.ts'
import { printable } from './ref.ts'

/** Makes the folder and what is missing above it; returns what was missing, from the top. Throws the system's error. Node's own `recursive` spins for ever below /proc. */
export function makeFolder(folder: string): readonly string[] {
  const missing: string[] = []
  for (let at = resolve(folder); !existsSync(at); at = dirname(at)) missing.unshift(at)
  for (const one of missing)
    try {
      mkdirSync(one)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  return missing
}

/** Where a finished file goes: behind a symbolic link, and never in the place of a device, a pipe or a folder. */
export function outputTarget(path: string): string {
  const there = statSync(path, { throwIfNoEntry: false })
  if (!there) return path
  if (!there.isFile())
    throw fail('usage', 'not-a-file', `${printable(path)} is no regular file`, {
      hint: 'name a file; where a command can write to standard output, - does it',
    })
  return realpathSync(path)
}
