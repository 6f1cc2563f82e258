/**
 * Raising a table's protocol by one feature (Delta PROTOCOL, "Table Features": from reader version 3 and writer version 7 on the features are
 * listed by name).
 */
import type { Protocol } from './actions.ts'

/** What the numbered writer versions stand for, each with what came before. */
export const impliedForWriters: readonly (readonly [version: number, features: readonly string[]])[] = [
  [2, ['appendOnly', 'invariants']],
  [3, ['checkConstraints']],
  [4, ['changeDataFeed', 'generatedColumns']],
  [5, ['columnMapping']],
  [6, ['identityColumns']],
]

export const hasWriterFeature = ({ writerFeatures }: Protocol, feature: string): boolean =>
  writerFeatures?.includes(feature) ?? false

/** Those that writers of the table must know, by name also where its version stands for them. */
export const namedFeatures = ({ minWriterVersion, writerFeatures }: Protocol): readonly string[] =>
  minWriterVersion >= 7
    ? (writerFeatures ?? [])
    : impliedForWriters.flatMap(([version, features]) => (version <= minWriterVersion ? features : []))

/** Readers need nothing new for a feature of writers. */
export function withWriterFeature(protocol: Protocol, feature: string): Protocol {
  const writerFeatures = [...new Set([...namedFeatures(protocol), feature])]
  return { ...protocol, minWriterVersion: 7, writerFeatures }
}

/** A feature that readers must know too. */
export function withReaderFeature(protocol: Protocol, feature: string): Protocol {
  const { minReaderVersion, readerFeatures } = protocol
  const implied = minReaderVersion === 2 ? ['columnMapping'] : []
  const listed = minReaderVersion >= 3 ? (readerFeatures ?? []) : implied
  const raised = { ...protocol, minReaderVersion: 3, readerFeatures: [...new Set([...listed, feature])] }
  // What readers must know is a feature of writers as well.
  return raised.readerFeatures.reduce(withWriterFeature, raised as Protocol)
}

/** The numbered versions where the table has them: more readers know those. */
export function withColumnMapping(protocol: Protocol): Protocol {
  const { minReaderVersion, minWriterVersion, readerFeatures } = protocol
  if (minReaderVersion === 2 || readerFeatures?.includes('columnMapping')) return protocol
  if (minReaderVersion >= 3 || minWriterVersion >= 7) return withReaderFeature(protocol, 'columnMapping')
  return { ...protocol, minReaderVersion: 2, minWriterVersion: Math.max(5, minWriterVersion) }
}
