/** Raising a table's protocol by one writer feature (Delta PROTOCOL, "Table Features": from version 7 on the features are listed by name). */
import type { Protocol } from './actions.ts'

/** What the numbered writer versions stand for, each with what came before. */
const impliedBy: readonly (readonly [version: number, features: readonly string[]])[] = [
  [2, ['appendOnly', 'invariants']],
  [3, ['checkConstraints']],
  [4, ['changeDataFeed', 'generatedColumns']],
  [5, ['columnMapping']],
  [6, ['identityColumns']],
]

export const hasWriterFeature = ({ writerFeatures }: Protocol, feature: string): boolean =>
  writerFeatures?.includes(feature) ?? false

/** Readers need nothing new for a feature of writers. */
export function withWriterFeature(protocol: Protocol, feature: string): Protocol {
  const { minWriterVersion, writerFeatures } = protocol
  const implied = impliedBy.flatMap(([version, features]) => (version <= minWriterVersion ? features : []))
  const listed = minWriterVersion >= 7 ? (writerFeatures ?? []) : implied
  return { ...protocol, minWriterVersion: 7, writerFeatures: [...new Set([...listed, feature])] }
}
