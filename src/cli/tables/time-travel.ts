/** `--version` and `--timestamp`: a table as it was. */
import type { PointInTime } from '../../core/driver.ts'
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import type { OptionSpec } from '../command.ts'

export interface TravelOptions {
  readonly version?: number
  readonly timestamp?: string
}

export const travelOptions: readonly OptionSpec[] = [
  { flags: '--version <n>', description: 'as of this version', parse: versionNumber },
  {
    flags: '--timestamp <time>',
    description: 'as of this time: 2026-03-01, 2026-03-01T12:00:00Z (UTC without a zone)',
    parse: pointInTime,
  },
]

/** Null: as it is now. */
export function travelOf({ version, timestamp }: TravelOptions): PointInTime | null {
  if (version !== undefined && timestamp !== undefined)
    throw fail('usage', 'bad-option', '--version and --timestamp are two ways to say one thing', { hint: 'give one' })
  if (version !== undefined) return { version }
  return timestamp === undefined ? null : { timestamp }
}

function versionNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw fail('usage', 'bad-number', `"${printable(text)}" is no version: a whole number from 0`)
}

/** A day, or a time to the second or finer; RFC 3339 in UTC. */
function pointInTime(text: string): string {
  const shape = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/i.exec(text)
  const full = text.length === 10 ? `${text}T00:00:00Z` : `${text.replace(' ', 'T')}${shape?.[1] ? '' : 'Z'}`
  const time = new Date(full)
  // A day that the month does not have becomes another one.
  const same = new Date(`${text.slice(0, 10)}T00:00:00Z`)
  if (shape === null || Number.isNaN(time.getTime()) || same.toISOString().slice(0, 10) !== text.slice(0, 10))
    throw fail('usage', 'bad-time', `"${printable(text)}" is no time`, { hint: 'such as 2026-03-01T12:00:00Z' })
  return time.toISOString()
}
