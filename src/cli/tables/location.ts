/** `--location`: paths count from the working directory, wherever tblctl.yaml lies and whoever runs the job later. */
import { isAbsolute, resolve } from 'node:path'
import { fail } from '../../core/errors.ts'
import type { OptionSpec } from '../command.ts'

export const locationOption: OptionSpec = {
  flags: '--location <place>',
  description: 'where the table lies, when it does not lie below its backend: a path or URL',
  completes: 'file',
}

/** Plain paths and `file:` URLs become absolute; other URLs stay as they are. */
export function absoluteLocation(location: string | undefined, directory: string): string | null {
  if (location === undefined) return null
  if (location.trim() === '') throw fail('usage', 'bad-location', '--location is empty', { hint: 'leave it out' })
  if (location.startsWith('file:')) {
    const path = location.slice('file:'.length)
    return isAbsolute(path) ? location : `file:${resolve(directory, path)}`
  }
  return /^[A-Za-z][A-Za-z0-9+.-]*:/.test(location) ? location : resolve(directory, location)
}
