/** What alter makes of a table, computed from its log alone: the protocol and metadata that the one commit puts. */
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { Metadata, Protocol } from '../log/actions.ts'
import { modeKey, withMappedColumns } from '../log/column-mapping.ts'
import { checkNames, hasWallClock } from '../log/create.ts'
import { requireUniqueNames } from '../log/enable-mapping.ts'
import { unwritable } from '../log/protocol.ts'
import { sameName } from '../log/schema-edit.ts'
import { parseSchema } from '../log/schema-string.ts'
import type { Snapshot } from '../log/snapshot.ts'
import { namedFeatures, withReaderFeature } from '../log/writer-features.ts'
import { syncOf } from '../sync/checkpoint.ts'
import { parseSchemaString } from '../types.ts'
import { addColumns, dropColumns, renameColumns } from './columns.ts'
import type { Done, Draft, Wanted } from './draft.ts'
import { mappingModeOf, metadataOf } from './draft.ts'
import { changeProperties, setMappingMode, setRetention } from './properties.ts'
import { fitSchema } from './to-schema.ts'

export interface Alteration {
  readonly protocol: Protocol
  readonly metadata: Metadata & { readonly schemaString: string }
  readonly done: Done
  readonly remarks: readonly string[]
  /** 0 = the table is as it was asked for. */
  readonly changes: number
}

/** Throws `refused` or `usage` for what cannot be done, before anything is written. */
export function alterationOf(snapshot: Snapshot, wanted: Wanted): Alteration {
  const original = parseSchema(snapshot.metadata.schemaString)
  const draft: Draft = {
    snapshot,
    declared: wanted.declared,
    original,
    protocol: snapshot.protocol,
    schema: original,
    metadata: snapshot.metadata,
    done: { dropped: [], renamed: [], added: [], changed: [], set: {}, unset: [] },
    remarks: [],
  }
  requireOnce(wanted)
  // First, so that new columns get physical names of their own.
  const mode = wanted.set[modeKey]
  if (mode !== undefined) setMappingMode(draft, mode)
  dropColumns(draft, wanted.dropColumns)
  renameColumns(draft, wanted.renameColumns)
  addColumns(draft, wanted.addColumns)
  if (wanted.schema !== null) fitSchema(draft, wanted.schema)
  changeProperties(draft, wanted)
  if (wanted.retention !== null) setRetention(draft, wanted.retention)
  return finish(draft)
}

/** Said twice, a name would mean another column once the command was done, and the same command would do something else. */
function requireOnce({ dropColumns: drops, renameColumns: renames, addColumns: adds }: Wanted): void {
  const said = new Set<string>()
  for (const name of [
    ...drops,
    ...renames.flatMap(({ from, to }) => newNames(from, to)),
    ...adds.map(({ name }) => name),
  ]) {
    if (said.has(name.toLowerCase()))
      throw fail('usage', 'column-twice', `column ${printable(name)} is named twice`, {
        hint: 'give one command after the other',
      })
    said.add(name.toLowerCase())
  }
}

/** A column that only changes its case is one name. */
function newNames(from: string, to: string): readonly string[] {
  const renamed = `${from.slice(0, from.lastIndexOf('.') + 1)}${to}`
  return sameName(from, renamed) ? [from] : [from, renamed]
}

function finish(draft: Draft): Alteration {
  const { snapshot, done } = draft
  const metadata = metadataOf(draft)
  const mapped = mappingModeOf(draft) !== 'none'
  const finished = mapped && done.added.length > 0 ? withMappedColumns(metadata) : metadata
  // As the columns are in the end: one that is dropped clashes with nothing.
  if (mapped && snapshot.mapping === null) requireUniqueNames(parseSchema(finished.schemaString))
  const fields = parseSchemaString(finished.schemaString)
  if (!mapped) checkNames(fields.filter(({ name }) => done.added.some((added) => added.name === name)))
  const wallClock = fields.some(({ type }) => hasWallClock(type))
  const protocol =
    wallClock && !snapshot.fields.some(({ type }) => hasWallClock(type))
      ? withReaderFeature(draft.protocol, 'timestampNtz')
      : draft.protocol
  // Of a table that this version cannot write at all, the commit says so.
  const before = unwritable(snapshot).map(({ feature }) => feature)
  const obstacle = unwritable({ protocol, metadata: finished }).find(({ feature }) => !before.includes(feature))
  if (obstacle !== undefined)
    throw fail('refused', 'delta-feature', `this needs the Delta feature ${printable(obstacle.feature)}`, {
      hint: 'this version cannot write it',
    })
  const counted = [done.dropped, done.renamed, done.added, done.changed, Object.keys(done.set), done.unset]
  return {
    protocol,
    metadata: finished,
    done,
    remarks: [...draft.remarks, ...syncRemarks(draft), ...protocolRemarks(snapshot.protocol, protocol)],
    changes: counted.reduce((sum, { length }) => sum + length, 0) + (protocol === snapshot.protocol ? 0 : 1),
  }
}

/** What becomes of the sync that fills the table (verbs/sync-columns.ts, verbs/merge-fields.ts). */
function syncRemarks({ snapshot, done: { dropped, renamed } }: Draft): string[] {
  const sync = dropped.length + renamed.length > 0 ? syncOf(snapshot) : null
  return sync === null
    ? []
    : [
        `sync ${printable(sync)} fills this table: it stops when a column of its key or its time column is gone, and adds any other anew`,
      ]
}

function protocolRemarks(before: Protocol, after: Protocol): string[] {
  if (before === after) return []
  const news = (was: readonly string[] = [], is: readonly string[] = []): string => {
    const features = is.filter((feature) => !was.includes(feature))
    return features.length > 0 ? `, and those without ${features.join(' and ')},` : ''
  }
  const versions = ({ minReaderVersion, minWriterVersion }: Protocol): string =>
    `${minReaderVersion}/${minWriterVersion}`
  const forReaders = news(before.readerFeatures, after.readerFeatures)
  const lost =
    forReaders !== '' || before.minReaderVersion !== after.minReaderVersion
      ? `readers below reader version ${after.minReaderVersion}${forReaders} can no longer read it`
      : `writers below writer version ${after.minWriterVersion}${news(namedFeatures(before), after.writerFeatures)} can no longer write it`
  return [`the table's protocol rises from ${versions(before)} to ${versions(after)}: ${lost}`]
}
