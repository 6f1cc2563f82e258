/**
 * Every table feature that there is (Delta PROTOCOL, "Table Features"), and what we do about it. A feature that stands in no list here is
 * one that was invented later: tables that name it are refused.
 */
export interface Feature {
  /** Readers must know it; the others bind writers alone. */
  readonly read: 'kept' | 'refused' | 'no matter'
  /** `unused`: kept only where nothing in the table makes use of it (protocol.ts finds out). */
  readonly write: 'kept' | 'unused' | 'refused'
  /** Why it is refused, for people. */
  readonly why?: string
}

const kept: Feature = { read: 'no matter', write: 'kept' }
const keptByAll: Feature = { read: 'kept', write: 'kept' }
const unused = (why: string): Feature => ({ read: 'no matter', write: 'unused', why })
const unwritten = (why: string): Feature => ({ read: 'no matter', write: 'refused', why })
const unread = (why: string): Feature => ({ read: 'refused', write: 'refused', why })

const variants = unread('no column type of tblctl holds a variant without loss')
const rowIds = 'every new row would need an id of its own'
const iceberg = 'its files must be such as Iceberg reads too'
const catalog = unread('its catalog decides which commits count')

export const features: Readonly<Record<string, Feature>> = {
  appendOnly: kept,
  invariants: unused('rows would have to be checked against an SQL expression'),
  checkConstraints: unused('rows would have to be checked against an SQL expression'),
  generatedColumns: unused('values would have to be computed by an SQL expression'),
  identityColumns: unused('values would have to be numbered across writers'),
  allowColumnDefaults: unused('values would have to be computed by an SQL expression'),
  changeDataFeed: unused('every change of a row would have to be written down as well'),
  inCommitTimestamp: kept,
  'inCommitTimestamp-preview': kept,
  domainMetadata: kept,
  timestampNtz: keptByAll,
  columnMapping: keptByAll,
  deletionVectors: keptByAll,
  v2Checkpoint: keptByAll,
  vacuumProtocolCheck: keptByAll,
  typeWidening: keptByAll,
  'typeWidening-preview': keptByAll,
  variantType: variants,
  'variantType-preview': variants,
  variantShredding: variants,
  'variantShredding-preview': variants,
  rowTracking: unwritten(rowIds),
  clustering: unwritten('files would have to be clustered by its columns'),
  checkpointProtection: unwritten('its old checkpoints must outlive the log'),
  materializePartitionColumns: unwritten('its files must hold the partition columns too'),
  'collations-preview': unwritten('its statistics depend on the collation of each column'),
  icebergCompatV1: unwritten(iceberg),
  icebergCompatV2: unwritten(iceberg),
  icebergCompatV3: unwritten(iceberg),
  icebergWriterCompatV1: unwritten(iceberg),
  icebergWriterCompatV3: unwritten(iceberg),
  catalogManaged: catalog,
  catalogOwned: catalog,
  'catalogOwned-preview': catalog,
}

/** Of a feature by its name in a protocol; one that is not known is refused. */
export const featureOf = (name: string): Feature =>
  Object.hasOwn(features, name) ? features[name]! : { read: 'refused', write: 'refused', why: 'it is not known' }
