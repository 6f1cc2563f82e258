import { describe, expect, it } from 'vitest'
import type { Metadata, Protocol } from '../../../src/drivers/delta/log/actions.ts'
import {
  isAppendOnly,
  requireReadable,
  requireWritable,
  unreadable,
  unwritable,
} from '../../../src/drivers/delta/log/protocol.ts'
import { schemaString, view } from './fixture.ts'

const metadata = (configuration: Record<string, string> = {}, columnMetadata: object = {}): Metadata => ({
  id: 'x',
  format: { provider: 'parquet', options: {} },
  partitionColumns: [],
  configuration,
  schemaString: JSON.stringify({
    type: 'struct',
    fields: [
      {
        name: 'a',
        type: { type: 'array', elementType: { type: 'struct', fields: [] }, containsNull: true },
        nullable: true,
      },
      {
        name: 'm',
        type: {
          type: 'map',
          keyType: 'string',
          valueType: {
            type: 'struct',
            fields: [{ name: 'x', type: 'long', nullable: true, metadata: columnMetadata }],
          },
          valueContainsNull: true,
        },
        nullable: true,
      },
    ],
  }),
})
const versions = (minReaderVersion: number, minWriterVersion: number): Protocol => ({
  minReaderVersion,
  minWriterVersion,
})
const features = (readerFeatures: string[], writerFeatures: string[]): Protocol => ({
  ...versions(3, 7),
  readerFeatures,
  writerFeatures,
})
const read = (protocol: Protocol, table = metadata()): string[] =>
  unreadable({ protocol, metadata: table }).map((each) => each.feature)
const write = (protocol: Protocol, table = metadata()): string[] =>
  unwritable({ protocol, metadata: table }).map((each) => each.feature)

describe('reading', () => {
  it.each([
    [versions(1, 1), []],
    [versions(1, 2), []],
    [versions(2, 6), []],
    [features(['timestampNtz', 'vacuumProtocolCheck', 'columnMapping'], []), []],
    [features([], ['somethingForWriters']), []],
    [versions(0, 2), ['reader version 0']],
    [versions(4, 7), ['reader version 4']],
    [versions(3, 7), ['tableFeatures without a list']],
    [features(['deletionVectors', 'timestampNtz', 'v2Checkpoint'], []), ['deletionVectors', 'v2Checkpoint']],
    [features(['typeWidening'], []), ['typeWidening']],
    [features(['variantType'], []), ['variantType']],
    [features(['inventedTomorrow'], []), ['inventedTomorrow']],
  ])('%j', (protocol, expected) => {
    expect(read(protocol)).toEqual(expected)
  })
  it('needs no column mapping, whatever the protocol says', () => {
    for (const protocol of [versions(1, 2), versions(2, 5), features(['columnMapping'], ['columnMapping'])]) {
      expect(read(protocol, metadata({ 'delta.columnMapping.mode': 'name' }))).toEqual(['columnMapping'])
      expect(read(protocol, metadata({ 'delta.columnMapping.mode': 'none' }))).toEqual([])
    }
  })
  it('knows Parquet only', () => {
    expect(read(versions(1, 2), { ...metadata(), format: { provider: 'orc', options: {} } })).toEqual(['format orc'])
  })
  it('is refused by name', () => {
    const table = { protocol: features(['deletionVectors', 'x\u001b'], []), metadata: metadata() }
    expect(() => requireReadable(table, 's3://b/t')).toThrow(
      expect.objectContaining(
        view(expect.objectContaining({ kind: 'refused', code: 'delta-feature', where: 's3://b/t' })),
      ),
    )
    expect(() => requireReadable(table, '')).toThrow(
      'table uses the Delta feature deletionVectors, which this version cannot read (also x\\u001b)',
    )
    expect(() => requireReadable({ protocol: versions(1, 2), metadata: metadata() }, '')).not.toThrow()
  })
  it('leaves catalog-managed tables to their catalog', () => {
    const table = {
      protocol: features(['deletionVectors', 'catalogOwned-preview'], ['catalogOwned-preview']),
      metadata: metadata(),
    }
    const denial = expect.objectContaining(view(expect.objectContaining({ kind: 'denied', code: 'catalog-managed' })))
    expect(() => requireReadable(table, '')).toThrow(denial)
    expect(() => requireWritable({ ...table, protocol: features([], ['catalogManaged']) }, '')).toThrow(denial)
  })
})

describe('writing', () => {
  it.each([
    [versions(1, 1), []],
    [versions(1, 2), []],
    [versions(1, 6), []],
    [versions(1, 8), ['writer version 8']],
    [versions(3, 7), ['tableFeatures without a list']],
    [features([], ['appendOnly', 'invariants', 'checkConstraints', 'generatedColumns', 'domainMetadata']), []],
    [features([], ['identityColumns', 'changeDataFeed', 'inCommitTimestamp', 'timestampNtz']), []],
    [features([], ['rowTracking', 'clustering', 'icebergCompatV2']), ['rowTracking', 'clustering', 'icebergCompatV2']],
    [features([], ['inventedTomorrow']), ['inventedTomorrow']],
    [features(['deletionVectors'], ['deletionVectors']), ['deletionVectors']],
  ])('%j', (protocol, expected) => {
    expect(write(protocol)).toEqual(expected)
  })
  it.each([
    ['checkConstraints', { 'delta.constraints.positive': 'a > 0' }],
    ['changeDataFeed', { 'delta.enableChangeDataFeed': 'true' }],
    ['rowTracking', { 'delta.enableRowTracking': 'TRUE' }],
    ['inCommitTimestamp', { 'delta.enableInCommitTimestamps': 'true' }],
    ['deletionVectors', { 'delta.enableDeletionVectors': 'true' }],
    ['icebergCompatV2', { 'delta.enableIcebergCompatV2': 'true' }],
  ])('%s in use is refused', (feature, configuration) => {
    expect(write(versions(1, 2), metadata(configuration))).toEqual([feature])
    expect(read(versions(1, 2), metadata(configuration))).toEqual([])
  })
  it.each([
    ['invariants', { 'delta.invariants': '{"expression":{"expression":"x > 3"}}' }],
    ['generatedColumns', { 'delta.generationExpression': 'a + 1' }],
    ['identityColumns', { 'delta.identity.start': 1 }],
    ['allowColumnDefaults', { CURRENT_DEFAULT: '1' }],
    ['typeWidening', { 'delta.typeChanges': [] }],
  ])('%s of a nested column is refused', (feature, column) => {
    expect(write(versions(1, 2), metadata({}, column))).toEqual([feature])
  })
  it('is not stopped by switches that are off', () => {
    const off = { 'delta.enableChangeDataFeed': 'false', 'delta.appendOnly': 'true', 'delta.checkpointInterval': '10' }
    expect(write(versions(1, 4), metadata(off))).toEqual([])
    expect(isAppendOnly(metadata(off))).toBe(true)
    expect(isAppendOnly(metadata())).toBe(false)
    expect(write(versions(1, 2), { ...metadata(), schemaString })).toEqual([])
  })
})
