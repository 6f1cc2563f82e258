/**
 * What `delta.*` properties may be given (Delta PROTOCOL and Delta Spark's table properties). A key that Delta does not know, or a value that
 * it cannot read, would be believed and ignored, or make every other writer refuse the table.
 */
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import { didYouMean } from '../../../core/suggest.ts'
import { parseDuration } from '../../../core/units.ts'
import { parseInterval } from './properties.ts'

/** The value as it is stored; undefined when it is none. */
type Rule = { readonly wanted: string; readonly read: (text: string) => string | undefined }

const boolean: Rule = {
  wanted: 'true or false',
  read: (text) => (/^(true|false)$/i.test(text) ? text.toLowerCase() : undefined),
}
const integerFrom = (least: number): Rule => ({
  wanted: `a whole number from ${least}`,
  read: (text) => (/^-?\d{1,15}$/.test(text) && Number(text) >= least ? String(Number(text)) : undefined),
})
/** `30d` is written as Delta has it. */
const interval: Rule = {
  wanted: 'a time such as "interval 7 days", or 7d',
  read: (text) => (parseInterval(text) === undefined ? intervalOf(text) : text.trim()),
}
const size: Rule = {
  wanted: 'a number of bytes, or such as 256mb',
  read: (text) => (/^[1-9]\d{0,14}\s*([kmgt]?b?)?$/i.test(text) ? text.trim() : undefined),
}
const oneOf = (...values: readonly string[]): Rule => ({
  wanted: values.join(' or '),
  read: (text) => values.find((value) => value.toLowerCase() === text.toLowerCase()),
})
const columns: Rule = { wanted: 'a list of columns', read: (text) => (text.trim() === '' ? undefined : text) }

const rules: Readonly<Record<string, Rule>> = {
  'delta.appendOnly': boolean,
  'delta.autoOptimize.autoCompact': boolean,
  'delta.autoOptimize.optimizeWrite': boolean,
  'delta.checkpoint.writeStatsAsJson': boolean,
  'delta.checkpoint.writeStatsAsStruct': boolean,
  'delta.checkpointInterval': integerFrom(1),
  'delta.checkpointPolicy': oneOf('classic'),
  'delta.dataSkippingNumIndexedCols': integerFrom(-1),
  'delta.dataSkippingStatsColumns': columns,
  'delta.deletedFileRetentionDuration': interval,
  'delta.enableExpiredLogCleanup': boolean,
  'delta.enableInCommitTimestamps': boolean,
  'delta.isolationLevel': oneOf('Serializable'),
  'delta.logRetentionDuration': interval,
  'delta.randomPrefixLength': integerFrom(1),
  'delta.randomizeFilePrefixes': boolean,
  'delta.setTransactionRetentionDuration': interval,
  'delta.targetFileSize': size,
}

/** Properties that turn on a table feature, which takes more than the property. */
const features: Readonly<Record<string, string>> = {
  'delta.compatibility.symlinkFormatManifest.enabled': 'symlink manifests',
  'delta.enableChangeDataFeed': 'changeDataFeed',
  'delta.enableDeletionVectors': 'deletionVectors',
  'delta.enableIcebergCompatV1': 'icebergCompatV1',
  'delta.enableIcebergCompatV2': 'icebergCompatV2',
  'delta.enableIcebergCompatV3': 'icebergCompatV3',
  'delta.enableRowTracking': 'rowTracking',
  'delta.enableTypeWidening': 'typeWidening',
  'delta.universalFormat.enabledFormats': 'universal format',
}

/** What the log itself keeps in the configuration. */
const kept =
  /^delta\.(columnMapping\.|constraints\.|feature\.|inCommitTimestamp|rowTracking\.|minReaderVersion$|minWriterVersion$)/i

/** The value as the log has it. Throws `usage`/`bad-property`, `refused`/`unknown-property`, `refused`/`delta-feature`. */
export function checkedProperty(name: string, value: string): string {
  requireSettable(name)
  const feature = Object.hasOwn(features, name) ? features[name]! : undefined
  if (feature !== undefined) {
    if (value.toLowerCase() === 'false') return 'false'
    throw fail('refused', 'delta-feature', `${name} turns on ${feature}, which this version cannot write`, {
      hint: 'use an engine that supports it; tblctl would then refuse to write this table',
    })
  }
  const rule = rules[name]!
  const read = rule.read(value)
  if (read !== undefined) return read
  throw fail('usage', 'bad-property', `${name} cannot be "${printable(value)}": it must be ${rule.wanted}`)
}

/** Throws for a `delta.*` key that nobody may set or unset by hand. */
export function requireSettable(name: string): void {
  if (Object.hasOwn(rules, name) || Object.hasOwn(features, name)) return
  if (kept.test(name))
    throw fail('refused', 'kept-property', `${printable(name)} is kept by the table itself and cannot be set by hand`)
  const near = didYouMean(name, [...Object.keys(rules), ...Object.keys(features)])
  throw fail('refused', 'unknown-property', `Delta has no property ${printable(name)}`, {
    hint: near === undefined ? 'names of your own may begin with anything but "delta."' : `did you mean ${near}?`,
  })
}

const units: readonly (readonly [name: string, ms: number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
  ['millisecond', 1],
]

function intervalOf(text: string): string | undefined {
  let ms: number
  try {
    ms = parseDuration(text)
  } catch {
    return undefined
  }
  const [unit, length] = units.find(([, each]) => ms % each === 0)!
  const count = ms / length
  return `interval ${count} ${unit}${count === 1 ? '' : 's'}`
}
