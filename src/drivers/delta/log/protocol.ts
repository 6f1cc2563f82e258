/**
 * What this version can read and write (Delta PROTOCOL, "Table Features" and "Requirements for Readers/Writers"). What we do not
 * know for certain we refuse by name: reading on would return wrong rows, writing on would break the table for its owner.
 */
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { Metadata, Protocol } from './actions.ts'
import { featureOf } from './features.ts'
import { columnMetadata, parseSchema } from './schema-string.ts'

/** Why a table cannot be read or written. `feature` is the protocol's name for it. */
export interface Obstacle {
  readonly feature: string
  readonly kind: 'refused' | 'denied'
  readonly message: string
}
type Table = { readonly protocol: Protocol; readonly metadata: Metadata }
type Access = 'read' | 'write'

const catalogManaged: readonly string[] = ['catalogManaged', 'catalogOwned', 'catalogOwned-preview']

/** Every reason why readers must stay away; none = the table can be read. */
export function unreadable(table: Table): readonly Obstacle[] {
  const { protocol, metadata } = table
  const found: Obstacle[] = []
  if (protocol.minReaderVersion < 1 || protocol.minReaderVersion > 3)
    found.push(version('reader', protocol.minReaderVersion, 'read'))
  if (protocol.minReaderVersion === 3) {
    for (const feature of protocol.readerFeatures ?? [])
      if (featureOf(feature).read === 'refused') found.push(obstacle(feature, 'read'))
    if (protocol.readerFeatures === undefined) found.push(obstacle('tableFeatures without a list', 'read'))
  }
  if (metadata.format.provider !== 'parquet') found.push(obstacle(`format ${metadata.format.provider}`, 'read'))
  return found
}

/** Every reason why writers must stay away, those of readers included. */
export function unwritable(table: Table): readonly Obstacle[] {
  const { protocol } = table
  const found = [...unreadable(table)]
  const add = (feature: string): void => {
    if (!found.some((other) => other.feature === feature)) found.push(obstacle(feature, 'write'))
  }
  if (protocol.minWriterVersion < 1 || protocol.minWriterVersion > 7)
    found.push(version('writer', protocol.minWriterVersion, 'write'))
  if (protocol.minWriterVersion === 7) {
    for (const feature of protocol.writerFeatures ?? []) if (featureOf(feature).write === 'refused') add(feature)
    if (protocol.writerFeatures === undefined) add('tableFeatures without a list')
  }
  for (const feature of inUse(table.metadata)) add(feature)
  return found
}

/** Throws the first reason, naming all features. `where` names the table. */
export function requireReadable(table: Table, where: string): void {
  refuse(unreadable(table), where)
}
export function requireWritable(table: Table, where: string): void {
  refuse(unwritable(table), where)
}

/** For who removes files that no version names: as for writers, also where the feature vacuumProtocolCheck does not ask for it. */
export function requireVacuumable(table: Table, where: string): void {
  refuse(
    unwritable(table).filter(({ feature }) => featureOf(feature).write !== 'unused'), // those bind who writes rows
    where,
  )
}

/** Throws `denied`/`catalog-managed`: for what needs no understanding of the table but the right to it. */
export function requireOwned(table: Table, where: string): void {
  refuse(
    unwritable(table).filter(({ kind }) => kind === 'denied'),
    where,
  )
}

/** Removing rows is forbidden; rewriting them (`dataChange: false`) is not. */
export const isAppendOnly = (metadata: Metadata): boolean => isTrue(metadata, 'delta.appendOnly')

function refuse(obstacles: readonly Obstacle[], where: string): void {
  const first = obstacles.find((each) => each.kind === 'denied') ?? obstacles[0]
  if (first === undefined) return
  const others = obstacles.filter((each) => each !== first && each.feature !== first.feature)
  const also = others.length === 0 ? '' : ` (also ${others.map((each) => printable(each.feature)).join(', ')})`
  throw fail(first.kind, first.kind === 'denied' ? 'catalog-managed' : 'delta-feature', first.message + also, {
    where,
    hint:
      first.kind === 'denied'
        ? 'ask the catalog that owns this table; going around it would corrupt the table'
        : 'use an engine that supports the feature, or drop the feature from the table',
  })
}

/** Features that bind writers and that the schema or the configuration makes use of. */
function inUse(metadata: Metadata): readonly string[] {
  const used = Object.entries(switches)
    .filter(([, key]) => isTrue(metadata, key))
    .map(([feature]) => feature)
  if (Object.keys(metadata.configuration).some((key) => key.toLowerCase().startsWith('delta.constraints.')))
    used.push('checkConstraints')
  const columns = metadata.schemaString === undefined ? [] : columnMetadata(parseSchema(metadata.schemaString))
  for (const [feature, key] of Object.entries(columnKeys))
    if (columns.some((column) => Object.keys(column.metadata).some((name) => name.startsWith(key)))) used.push(feature)
  return used
}

const switches: Readonly<Record<string, string>> = {
  changeDataFeed: 'delta.enableChangeDataFeed',
  rowTracking: 'delta.enableRowTracking',
  icebergCompatV1: 'delta.enableIcebergCompatV1',
  icebergCompatV2: 'delta.enableIcebergCompatV2',
  icebergCompatV3: 'delta.enableIcebergCompatV3',
}
const columnKeys: Readonly<Record<string, string>> = {
  invariants: 'delta.invariants',
  generatedColumns: 'delta.generationExpression',
  identityColumns: 'delta.identity.',
  allowColumnDefaults: 'CURRENT_DEFAULT',
}

const isTrue = (metadata: Metadata, key: string): boolean => metadata.configuration[key]?.toLowerCase() === 'true'

function obstacle(feature: string, access: Access): Obstacle {
  const { why } = featureOf(feature)
  const message = `table uses the Delta feature ${printable(feature)}, which this version cannot ${access}${why === undefined ? '' : `: ${why}`}`
  return { feature, kind: catalogManaged.includes(feature) ? 'denied' : 'refused', message }
}
function version(side: string, number: number, access: Access): Obstacle {
  const message = `table needs Delta ${side} version ${number}, which this version cannot ${access}`
  return { feature: `${side} version ${number}`, kind: 'refused', message }
}
