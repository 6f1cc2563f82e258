import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Metadata, Protocol } from '../../../src/drivers/delta/log/actions.ts'
import { features as knownFeatures } from '../../../src/drivers/delta/log/features.ts'
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
    [features(['deletionVectors', 'v2Checkpoint', 'typeWidening', 'typeWidening-preview'], []), []],
    [features(['rowTracking'], ['rowTracking', 'clustering', 'icebergCompatV2']), []],
    [features([], ['somethingForWriters']), []],
    [versions(0, 2), ['reader version 0']],
    [versions(4, 7), ['reader version 4']],
    [versions(3, 7), ['tableFeatures without a list']],
    [features(['variantType', 'timestampNtz', 'variantShredding'], []), ['variantType', 'variantShredding']],
    [features(['inventedTomorrow'], []), ['inventedTomorrow']],
  ])('%j', (protocol, expected) => {
    expect(read(protocol)).toEqual(expected)
  })
  it('knows Parquet only', () => {
    expect(read(versions(1, 2), { ...metadata(), format: { provider: 'orc', options: {} } })).toEqual(['format orc'])
  })
  it('is refused by name', () => {
    const table = { protocol: features(['variantType', 'x\u001b'], []), metadata: metadata() }
    expect(() => requireReadable(table, 's3://b/t')).toThrow(
      expect.objectContaining(
        view(expect.objectContaining({ kind: 'refused', code: 'delta-feature', where: 's3://b/t' })),
      ),
    )
    expect(() => requireReadable(table, '')).toThrow(
      'table uses the Delta feature variantType, which this version cannot read: no column type of tblctl holds a variant without loss (also x\\u001b)',
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

describe('every feature', () => {
  it.each(Object.entries(knownFeatures))('%s', (name, { read: readers, write: writers, why }) => {
    expect(read(features([name], [name]))).toEqual(readers === 'refused' ? [name] : [])
    expect(write(features([], [name]))).toEqual(writers === 'refused' ? [name] : [])
    // What is refused says why.
    expect(why === undefined).toBe(readers !== 'refused' && writers === 'kept')
    if (readers === 'refused') expect(writers).toBe('refused')
  })
  it('has its reason in the docs when it is refused', () => {
    const page = readFileSync(new URL('../../../docs/delta.md', import.meta.url), 'utf8').split('\n')
    for (const [name, { why }] of Object.entries(knownFeatures))
      if (why !== undefined)
        expect(
          page.filter((line) => line.includes(`\`${name}\``) && line.includes(why)),
          name,
        ).not.toEqual([])
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
    [features(['deletionVectors', 'columnMapping'], ['deletionVectors', 'columnMapping', 'typeWidening']), []],
    [features(['variantType'], ['variantType']), ['variantType']],
  ])('%j', (protocol, expected) => {
    expect(write(protocol)).toEqual(expected)
  })
  it.each([
    ['checkConstraints', { 'delta.constraints.positive': 'a > 0' }],
    ['changeDataFeed', { 'delta.enableChangeDataFeed': 'true' }],
    ['rowTracking', { 'delta.enableRowTracking': 'TRUE' }],
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
  ])('%s of a nested column is refused', (feature, column) => {
    expect(write(versions(1, 2), metadata({}, column))).toEqual([feature])
  })
  it('is not stopped by switches that are off', () => {
    const off = {
      'delta.enableChangeDataFeed': 'false',
      'delta.enableDeletionVectors': 'true',
      'delta.enableTypeWidening': 'true',
      'delta.appendOnly': 'true',
      'delta.checkpointInterval': '10',
    }
    expect(write(versions(1, 4), metadata(off))).toEqual([])
    expect(isAppendOnly(metadata(off))).toBe(true)
    expect(isAppendOnly(metadata())).toBe(false)
    expect(write(versions(1, 2), { ...metadata(), schemaString })).toEqual([])
  })
})
