import { describe, expect, it } from 'vitest'
import { errorView } from '../../../src/core/errors.ts'
import type { DomainMetadata, Protocol } from '../../../src/drivers/delta/log/actions.ts'
import { usesOf } from '../../../src/drivers/delta/log/column-uses.ts'
import { enableMapping } from '../../../src/drivers/delta/log/enable-mapping.ts'
import { logRetentionMs, parseInterval } from '../../../src/drivers/delta/log/properties.ts'
import { checkedProperty, requireSettable } from '../../../src/drivers/delta/log/property-rules.ts'
import { formatPath, parsePath } from '../../../src/drivers/delta/log/schema-edit.ts'
import { parseSchema } from '../../../src/drivers/delta/log/schema-string.ts'
import { withColumnMapping, withReaderFeature } from '../../../src/drivers/delta/log/writer-features.ts'
import { retentionOf, withoutColumn, withRenamedColumn } from '../../../src/drivers/delta/table-properties.ts'

const thrown = (work: () => unknown) => {
  try {
    work()
  } catch (error) {
    return errorView(error)
  }
  throw new Error('nothing was thrown')
}

describe('the value of a property', () => {
  it.each([
    ['delta.appendOnly', 'TRUE', 'true'],
    ['delta.checkpointInterval', '007', '7'],
    ['delta.dataSkippingNumIndexedCols', '-1', '-1'],
    ['delta.logRetentionDuration', 'interval 1 week 2 days', 'interval 1 week 2 days'],
    ['delta.logRetentionDuration', '36h', 'interval 36 hours'],
    ['delta.deletedFileRetentionDuration', '1d', 'interval 1 day'],
    ['delta.deletedFileRetentionDuration', '1.5s', 'interval 1500 milliseconds'],
    ['delta.targetFileSize', '256MB', '256MB'],
    ['delta.isolationLevel', 'serializable', 'Serializable'],
    ['delta.enableDeletionVectors', 'FALSE', 'false'],
    ['delta.checkpointPolicy', 'classic', 'classic'],
  ])('%s=%s is stored as %s', (name, value, stored) => expect(checkedProperty(name, value)).toBe(stored))

  it.each([
    ['delta.appendOnly', 'yes', 'true or false'],
    ['delta.checkpointInterval', '0', 'a whole number from 1'],
    ['delta.dataSkippingNumIndexedCols', '-2', 'from -1'],
    ['delta.logRetentionDuration', '1 month', 'a time such as'],
    ['delta.logRetentionDuration', '30', 'a time such as'],
    ['delta.targetFileSize', '0', 'a number of bytes'],
    ['delta.dataSkippingStatsColumns', ' ', 'a list of columns'],
    ['delta.checkpointPolicy', 'v2', 'classic'],
  ])('%s cannot be "%s"', (name, value, wanted) =>
    expect(thrown(() => checkedProperty(name, value))).toMatchObject({
      kind: 'usage',
      code: 'bad-property',
      message: expect.stringContaining(wanted),
    }),
  )

  it.each([
    'delta.enableChangeDataFeed',
    'delta.enableDeletionVectors',
    'delta.enableRowTracking',
    'delta.enableTypeWidening',
    'delta.enableIcebergCompatV2',
    'delta.universalFormat.enabledFormats',
  ])('%s turns on a feature that is not written', (name) =>
    expect(thrown(() => checkedProperty(name, 'true'))).toMatchObject({ kind: 'refused', code: 'delta-feature' }),
  )

  it.each([
    ['delta.columnMapping.maxColumnId', 'kept-property'],
    ['delta.constraints.positive', 'kept-property'],
    ['delta.feature.deletionVectors', 'kept-property'],
    ['delta.minReaderVersion', 'kept-property'],
    ['delta.nothing', 'unknown-property'],
    ['DELTA.appendOnly', 'unknown-property'],
    ['delta.toString', 'unknown-property'],
  ])('%s is %s', (name, code) => expect(thrown(() => requireSettable(name))).toMatchObject({ kind: 'refused', code }))
})

describe('a time in a property', () => {
  it.each([
    ['interval 30 days', 2_592_000_000],
    ['168 hours', 604_800_000],
    ['INTERVAL 1 week 1 day', 691_200_000],
    ['interval 1 month', undefined],
    ['', undefined],
    ['30d', undefined],
  ])('%s is %s ms', (text, ms) => expect(parseInterval(text)).toBe(ms))

  it('that cannot be read names the property', () =>
    expect(thrown(() => logRetentionMs({ 'delta.logRetentionDuration': 'soon' }))).toMatchObject({
      kind: 'data',
      code: 'bad-property',
      message: expect.stringContaining('delta.logRetentionDuration'),
    }))
})

describe('the retention of rows', () => {
  const of = (configuration: Record<string, string>) => retentionOf({ configuration })
  it('is a time and the column that it measures, or for ever', () => {
    expect(of({})).toBeNull()
    expect(of({ 'tblctl.retention': 'none' })).toBeNull()
    expect(of({ 'tblctl.retention': '2w', 'tblctl.timeColumn': 'at' })).toEqual({ ms: 1_209_600_000, column: 'at' })
  })
  it.each<[string, Record<string, string>]>([
    ['no duration', { 'tblctl.retention': 'long', 'tblctl.timeColumn': 'at' }],
    ['nothing at all', { 'tblctl.retention': '0d', 'tblctl.timeColumn': 'at' }],
    ['nothing to measure', { 'tblctl.retention': '30d' }],
  ])('that is %s is said', (_what, configuration) =>
    expect(thrown(() => of(configuration))).toMatchObject({ kind: 'data', code: 'bad-property' }),
  )
})

describe('properties that speak of a column', () => {
  const configuration = { 'delta.dataSkippingStatsColumns': 'a,`b.c`.d , e.f', 'tblctl.timeColumn': 'a', x: 'a' }
  it('follow its new name', () => {
    expect(withRenamedColumn(configuration, ['b.c'], ['z'])).toEqual({
      ...configuration,
      'delta.dataSkippingStatsColumns': 'a,z.d,e.f',
    })
    expect(withRenamedColumn(configuration, ['a'], ['a.b'])).toMatchObject({
      'delta.dataSkippingStatsColumns': '`a.b`,`b.c`.d,e.f',
      'tblctl.timeColumn': 'a.b',
    })
  })
  it('lose it, and go when nothing is left', () => {
    expect(withoutColumn(configuration, ['a'])).toEqual({
      'delta.dataSkippingStatsColumns': '`b.c`.d,e.f',
      x: 'a',
    })
    expect(withoutColumn({ 'delta.dataSkippingStatsColumns': 'e.f' }, ['e'])).toEqual({})
    expect(withoutColumn({ x: '1' }, ['x'])).toEqual({ x: '1' })
  })
})

describe('what uses a column', () => {
  const column = (name: string, metadata: object = {}) => ({ name, type: 'long', nullable: true, metadata })
  const schemaString = JSON.stringify({
    type: 'struct',
    fields: [
      column('id', { 'delta.invariants': '{"expression":{"expression":"id > 0"}}' }),
      column('twice', { 'delta.generationExpression': '`id` * 2' }),
      column('free'),
    ],
  })
  const uses = (name: string, domains: readonly DomainMetadata[] = []) =>
    usesOf(
      { name, physicalName: `col-${name}` },
      {
        schema: parseSchema(schemaString),
        metadata: {
          id: 't',
          format: { provider: 'parquet', options: {} },
          schemaString,
          partitionColumns: [],
          configuration: { 'delta.constraints.small': 'ID < 100', 'delta.appendOnly': 'true' },
        },
        domains: new Map(domains.map((domain) => [domain.domain, domain])),
      },
    )
  const clustering = (configuration: string): DomainMetadata => ({
    domain: 'delta.clustering',
    configuration,
    removed: false,
  })
  it('are constraints, invariants, generated columns and the clustering', () => {
    expect(uses('id')).toEqual([
      { by: 'the CHECK constraint small', byName: true },
      { by: 'an invariant of column id', byName: true },
      { by: 'the generated column twice', byName: true },
    ])
    expect(uses('free')).toEqual([])
    const clustered = clustering('{"clusteringColumns":[["col-free"],["col-id","x"]]}')
    expect(uses('free', [clustered])).toEqual([{ by: 'the clustering of the table', byName: false }])
    expect(uses('twice', [clustered])).toEqual([])
    expect(uses('twice', [clustering('no JSON')])).toHaveLength(1)
  })
})

describe('the protocol that a feature needs', () => {
  const oldest: Protocol = { minReaderVersion: 1, minWriterVersion: 2 }
  it('is numbered for column mapping while the table is', () => {
    expect(withColumnMapping(oldest)).toEqual({ minReaderVersion: 2, minWriterVersion: 5 })
    const identity: Protocol = { minReaderVersion: 1, minWriterVersion: 6 }
    expect(withColumnMapping(identity)).toEqual({ minReaderVersion: 2, minWriterVersion: 6 })
    const mapped: Protocol = { minReaderVersion: 2, minWriterVersion: 5 }
    expect(withColumnMapping(mapped)).toBe(mapped)
  })
  it('names everything that the numbers stood for', () => {
    expect(withReaderFeature({ minReaderVersion: 2, minWriterVersion: 5 }, 'timestampNtz')).toEqual({
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['columnMapping', 'timestampNtz'],
      writerFeatures: [
        'appendOnly',
        'invariants',
        'checkConstraints',
        'changeDataFeed',
        'generatedColumns',
        'columnMapping',
        'timestampNtz',
      ],
    })
    const listed: Protocol = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['domainMetadata'] }
    expect(withColumnMapping(listed)).toEqual({
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['columnMapping'],
      writerFeatures: ['domainMetadata', 'columnMapping'],
    })
  })
})

describe('column mapping that is turned on', () => {
  it('keeps every name for the files, nested ones too, whatever an earlier mapping left', () => {
    const inner = { type: 'struct', fields: [{ name: 'x', type: 'long', nullable: true, metadata: {} }] }
    const left = { 'delta.columnMapping.id': 9, 'delta.columnMapping.physicalName': 'col-old', comment: 'kept' }
    const schemaString = JSON.stringify({
      type: 'struct',
      fields: [
        { name: 'a', type: 'long', nullable: true, metadata: left },
        { name: 'l', type: { type: 'array', elementType: inner, containsNull: true }, nullable: true },
        { name: 'm', type: { type: 'map', keyType: 'string', valueType: inner, valueContainsNull: true } },
      ],
    })
    const { metadata } = enableMapping(
      { minReaderVersion: 1, minWriterVersion: 2 },
      {
        id: 't',
        format: { provider: 'parquet', options: {} },
        schemaString,
        partitionColumns: [],
        configuration: { 'delta.columnMapping.maxColumnId': '9' },
      },
    )
    const ids = [...metadata.schemaString.matchAll(/"delta.columnMapping.id":(\d+)/g)].map(([, id]) => Number(id))
    expect(ids.sort((a, b) => a - b)).toEqual([10, 11, 12, 13, 14])
    const names = [...metadata.schemaString.matchAll(/physicalName":"([^"]+)"/g)].map(([, name]) => name)
    expect(names.sort()).toEqual(['a', 'l', 'm', 'x', 'x'])
    expect(parseSchema(metadata.schemaString).fields[0]!.metadata!.comment).toBe('kept')
    expect(metadata.configuration).toEqual({
      'delta.columnMapping.mode': 'name',
      'delta.columnMapping.maxColumnId': '14',
    })
  })
})

describe('the path of a column', () => {
  const schema = parseSchema(
    JSON.stringify({ type: 'struct', fields: [{ name: 'a.b', type: 'long', nullable: true, metadata: {} }] }),
  )
  it.each([
    ['a.b', ['a.b']],
    ['`a.b`', ['a.b']],
    ['a.c', ['a', 'c']],
    ['x.`y``z`.w', ['x', 'y`z', 'w']],
  ])('%s', (text, path) => {
    expect(parsePath(schema, text)).toEqual(path)
    expect(parsePath(schema, formatPath(path))).toEqual(path)
  })
  it.each(['', '.', 'a.', '.a', '`a', 'a`b'])('"%s" is none', (text) =>
    expect(thrown(() => parsePath(schema, text))).toMatchObject({ kind: 'usage', code: 'bad-column' }),
  )
})
