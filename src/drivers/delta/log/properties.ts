/** Table properties that Delta itself gives a meaning (`delta.*`), with the defaults of Delta Spark. */
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'

type Configuration = Readonly<Record<string, string>>

const day = 24 * 3_600_000
const units: Readonly<Record<string, number>> = {
  millisecond: 1,
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day,
  week: 7 * day,
}

/** Commits between two checkpoints. */
export const checkpointInterval = (configuration: Configuration): number =>
  integer(configuration, 'delta.checkpointInterval', 10)
/** How long the log is kept, in milliseconds. */
export const logRetentionMs = (configuration: Configuration): number =>
  interval(configuration, 'delta.logRetentionDuration', 30 * day)
export const expiredLogCleanup = (configuration: Configuration): boolean =>
  configuration['delta.enableExpiredLogCleanup']?.toLowerCase() !== 'false'
/** Commits carry their own time (feature inCommitTimestamp). */
export const inCommitTimestamps = (configuration: Configuration): boolean =>
  configuration['delta.enableInCommitTimestamps']?.toLowerCase() === 'true'
/** How long files that no version names any more are kept, in milliseconds. */
export const deletedFileRetentionMs = (configuration: Configuration): number =>
  interval(configuration, 'delta.deletedFileRetentionDuration', 7 * day)
/** Bytes that a data file should have; null = the table does not say. */
export function targetFileSize(configuration: Configuration): number | null {
  const name = 'delta.targetFileSize'
  const text = configuration[name]
  if (text === undefined) return null
  const [, count, unit = ''] = /^\s*([1-9]\d{0,14})\s*([kmgt]?)b?\s*$/i.exec(text) ?? []
  const bytes = Number(count) * 1024 ** ['', 'k', 'm', 'g', 't'].indexOf(unit.toLowerCase())
  if (Number.isSafeInteger(bytes)) return bytes
  throw bad(name, text, 'a size such as 256mb')
}

/** Throws `data`/`bad-property` with the name of a property whose value cannot be what it must be. */
function integer(configuration: Configuration, name: string, otherwise: number): number {
  const text = configuration[name]
  if (text === undefined) return otherwise
  if (/^[1-9]\d{0,14}$/.test(text.trim())) return Number(text)
  throw bad(name, text, 'a whole number from 1')
}

function interval(configuration: Configuration, name: string, otherwise: number): number {
  const text = configuration[name]
  if (text === undefined) return otherwise
  const length = parseInterval(text)
  if (length !== undefined) return length
  throw bad(name, text, 'a time such as "interval 7 days"')
}

/**
 * `interval 30 days`, `168 hours`, `interval 1 week 2 days` in milliseconds (Spark's calendar intervals; months have no length). Undefined
 * when it is none.
 */
export function parseInterval(text: string): number | undefined {
  const parts = /^\s*(?:interval\s+)?((?:\d{1,12}\s+[a-z]+\s*)+)$/i.exec(text)?.[1]?.match(/\d+\s+[a-z]+/gi)
  const lengths = (parts ?? []).map((part) => {
    const [count, unit = ''] = part.split(/\s+/)
    return Number(count) * (units[unit.toLowerCase().replace(/s$/, '')] ?? Number.NaN)
  })
  const sum = lengths.reduce((a, b) => a + b, 0)
  return lengths.length > 0 && Number.isSafeInteger(sum) ? sum : undefined
}

const bad = (name: string, text: string, wanted: string): Error =>
  fail('data', 'bad-property', `the table's property ${name} is "${printable(text)}", which is not ${wanted}`, {
    hint: `tblctl alter REF --set ${name}=… gives it another value`,
  })
