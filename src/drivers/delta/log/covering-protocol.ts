/** A protocol never falls, also when a table becomes what it was: it gets what the earlier version needs besides. */
import type { Protocol } from './actions.ts'
import { impliedForWriters, withColumnMapping, withReaderFeature, withWriterFeature } from './writer-features.ts'

/** `now` itself when it knows all that `then` needs. */
export function coveringProtocol(now: Protocol, then: Protocol): Protocol {
  let protocol = now
  const readers = new Set(readerFeatures(then))
  for (const feature of readers)
    if (!readerFeatures(protocol).includes(feature))
      protocol =
        feature === 'columnMapping' && then.minReaderVersion < 3
          ? withColumnMapping(protocol)
          : withReaderFeature(protocol, feature)
  for (const feature of writerFeatures(then)) {
    if (readers.has(feature) || writerFeatures(protocol).includes(feature)) continue
    const numbered = protocol.minWriterVersion < 7 && then.minWriterVersion < 7
    protocol = numbered
      ? { ...protocol, minWriterVersion: then.minWriterVersion }
      : withWriterFeature(protocol, feature)
  }
  return protocol
}

const readerFeatures = ({ minReaderVersion, readerFeatures: listed }: Protocol): readonly string[] =>
  minReaderVersion >= 3 ? (listed ?? []) : minReaderVersion === 2 ? ['columnMapping'] : []

const writerFeatures = ({ minWriterVersion, writerFeatures: listed }: Protocol): readonly string[] =>
  minWriterVersion >= 7
    ? (listed ?? [])
    : impliedForWriters.flatMap(([version, features]) => (version <= minWriterVersion ? features : []))
