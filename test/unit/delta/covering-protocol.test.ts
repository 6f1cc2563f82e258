/** What a table's protocol becomes when it goes back to a version that needed something else. */
import { expect, it } from 'vitest'
import type { Protocol } from '../../../src/drivers/delta/log/actions.ts'
import { coveringProtocol } from '../../../src/drivers/delta/log/covering-protocol.ts'

const numbered = (minReaderVersion: number, minWriterVersion: number): Protocol => ({
  minReaderVersion,
  minWriterVersion,
})
const listed = (readerFeatures: string[], writerFeatures: string[]): Protocol => ({
  minReaderVersion: 3,
  minWriterVersion: 7,
  readerFeatures,
  writerFeatures,
})
const writers = (...writerFeatures: string[]): Protocol => ({ ...numbered(1, 7), writerFeatures })

it.each<readonly [string, Protocol, Protocol, Protocol | 'as it is']>([
  ['the same', numbered(1, 2), numbered(1, 2), 'as it is'],
  ['upgraded since', numbered(2, 5), numbered(1, 2), 'as it is'],
  [
    'features came since',
    listed(['deletionVectors'], ['deletionVectors', 'appendOnly', 'invariants']),
    numbered(1, 2),
    'as it is',
  ],
  ['numbers of then', numbered(1, 2), numbered(1, 4), numbered(1, 4)],
  ['mapping of then', numbered(1, 2), numbered(2, 5), numbered(2, 5)],
  [
    'mapping of then, features of now',
    writers('appendOnly'),
    numbered(2, 5),
    listed(
      ['columnMapping'],
      ['appendOnly', 'columnMapping', 'invariants', 'checkConstraints', 'changeDataFeed', 'generatedColumns'],
    ),
  ],
  [
    'a feature that was dropped since',
    numbered(1, 2),
    listed(['deletionVectors'], ['deletionVectors', 'appendOnly']),
    listed(['deletionVectors'], ['appendOnly', 'invariants', 'deletionVectors']),
  ],
  [
    'a feature of writers that was dropped since',
    writers('invariants'),
    writers('invariants', 'domainMetadata'),
    writers('invariants', 'domainMetadata'),
  ],
  [
    'mapping by number stays when features are listed',
    numbered(2, 5),
    listed(['timestampNtz'], ['timestampNtz']),
    listed(
      ['columnMapping', 'timestampNtz'],
      [
        'appendOnly',
        'invariants',
        'checkConstraints',
        'changeDataFeed',
        'generatedColumns',
        'columnMapping',
        'timestampNtz',
      ],
    ),
  ],
])('%s', (_name, now, then, expected) => {
  const protocol = coveringProtocol(now, then)
  if (expected === 'as it is') {
    expect(protocol).toBe(now)
    return
  }
  const sorted = ({ readerFeatures, writerFeatures, ...numbers }: Protocol) => ({
    ...numbers,
    readerFeatures: readerFeatures?.toSorted(),
    writerFeatures: writerFeatures?.toSorted(),
  })
  expect(sorted(protocol)).toEqual(sorted(expected))
  expect(coveringProtocol(protocol, then)).toBe(protocol)
  expect(coveringProtocol(protocol, now)).toBe(protocol)
})
