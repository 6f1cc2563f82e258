/** `--location`: paths count from the working directory, wherever tblctl.yaml lies and whoever runs the job later. */
import { isAbsolute, resolve } from 'node:path'
import { fail } from '../core/errors.ts'
import { segmentsOf } from '../core/ref.ts'
import type { Session } from './session.ts'

/** Plain paths and `file:` URLs become absolute; other URLs stay as they are, and so do the names of a backend that places tables by name. */
export async function placeOf(session: Session, path: string, options: { location?: unknown }): Promise<unknown> {
  const { location } = options
  if (typeof location !== 'string') return location
  if (location.trim() === '') throw fail('usage', 'bad-location', '--location is empty', { hint: 'leave it out' })
  if ((await session.module(segmentsOf(path).backend)).locations === 'names') return location
  return absoluteLocation(location, session.directory)
}

export function absoluteLocation(location: string, directory: string): string {
  if (!location.startsWith('file:'))
    return /^[A-Za-z][A-Za-z0-9+.-]*:/.test(location) ? location : resolve(directory, location)
  const file = location.slice('file:'.length)
  return isAbsolute(file) ? location : `file:${resolve(directory, file)}`
}
