/** The actions of a commit (Delta PROTOCOL, "Actions"), with unknown actions and fields left out as the protocol asks. */
import { isObject } from './exact-json.ts'

export interface Protocol {
  readonly minReaderVersion: number
  readonly minWriterVersion: number
  readonly readerFeatures?: readonly string[]
  readonly writerFeatures?: readonly string[]
}
export interface Metadata {
  readonly id: string
  readonly name?: string
  readonly description?: string
  readonly format: { readonly provider: string; readonly options: Readonly<Record<string, string>> }
  /** Absent in some very old tables without columns. */
  readonly schemaString?: string
  readonly partitionColumns: readonly string[]
  readonly configuration: Readonly<Record<string, string>>
  /** Milliseconds. */
  readonly createdTime?: number
}
export type PartitionValues = Readonly<Record<string, string | null>>
/** Which rows of a file are gone; log/deletion-vector.ts reads them. */
export interface DeletionVector {
  /** `u`, `i` or `p`. */
  readonly storageType: string
  readonly pathOrInlineDv: string
  readonly offset?: number
  readonly sizeInBytes: number
  readonly cardinality: number
}
interface FileAction {
  /** As it stands in the log: percent-encoded, not yet checked. */
  readonly path: string
  readonly dataChange: boolean
  readonly tags?: Readonly<Record<string, string | null>>
  readonly deletionVector?: DeletionVector
  readonly baseRowId?: number
  readonly defaultRowCommitVersion?: number
}
export interface Add extends FileAction {
  readonly partitionValues: PartitionValues
  readonly size: number
  /** Milliseconds; ClickHouse writes seconds here, so do not build on it. */
  readonly modificationTime: number
  /** JSON text. */
  readonly stats?: string
  readonly clusteringProvider?: string
}
export interface Remove extends FileAction {
  readonly deletionTimestamp?: number
  readonly extendedFileMetadata?: boolean
  readonly partitionValues?: PartitionValues
  readonly size?: number
}
export interface Txn {
  readonly appId: string
  /** 64 bits. */
  readonly version: bigint
  readonly lastUpdated?: number
}
export interface DomainMetadata {
  readonly domain: string
  readonly configuration: string
  readonly removed: boolean
}
type CommitInfo = { readonly [key: string]: unknown }

export type Action =
  | { readonly protocol: Protocol }
  | { readonly metaData: Metadata }
  | { readonly add: Add }
  | { readonly remove: Remove }
  | { readonly txn: Txn }
  | { readonly domainMetadata: DomainMetadata }
  | { readonly commitInfo: CommitInfo }

/** A value that is not what the protocol says; parseCommit adds the place. */
export class MalformedAction extends Error {}

/** `line` is one parsed line of a commit or one row of a checkpoint. Undefined for an action that we do not know. Throws MalformedAction. */
export function actionOf(line: unknown): Action | undefined {
  if (!isObject(line)) throw new MalformedAction('it is no JSON object')
  if (line.add != null) return { add: addOf(object(line.add, 'add')) }
  if (line.remove != null) return { remove: removeOf(object(line.remove, 'remove')) }
  if (line.metaData != null) return { metaData: metadataOf(object(line.metaData, 'metaData')) }
  if (line.protocol != null) return { protocol: protocolOf(object(line.protocol, 'protocol')) }
  if (line.txn != null) return { txn: txnOf(object(line.txn, 'txn')) }
  if (line.domainMetadata != null) return { domainMetadata: domainOf(object(line.domainMetadata, 'domainMetadata')) }
  if (line.commitInfo != null) return { commitInfo: object(line.commitInfo, 'commitInfo') }
  return undefined
}

type Raw = { readonly [key: string]: unknown }

function addOf(raw: Raw): Add {
  const path = text(raw, 'path')
  const partitionValues = textMap(raw.partitionValues, 'partitionValues')
  const size = integer(raw, 'size')
  const modificationTime = integer(raw, 'modificationTime')
  const dataChange = raw.dataChange !== false
  const stats = raw.stats == null ? undefined : text(raw, 'stats')
  if (stats !== undefined && !hasRareMembers(raw))
    return { path, partitionValues, size, modificationTime, dataChange, stats }
  return {
    ...{ path, partitionValues, size, modificationTime, dataChange },
    ...(stats === undefined ? {} : { stats }),
    ...(raw.clusteringProvider == null ? {} : { clusteringProvider: text(raw, 'clusteringProvider') }),
    ...rarely(raw),
  }
}

/** What few files have. */
export const hasRareMembers = (add: { readonly [K in keyof Add]?: unknown }): boolean =>
  add.tags != null ||
  add.deletionVector != null ||
  add.baseRowId != null ||
  add.defaultRowCommitVersion != null ||
  add.clusteringProvider != null

const removeOf = (raw: Raw): Remove => ({
  path: text(raw, 'path'),
  dataChange: raw.dataChange !== false,
  ...(raw.deletionTimestamp == null ? {} : { deletionTimestamp: integer(raw, 'deletionTimestamp') }),
  ...(raw.extendedFileMetadata == null ? {} : { extendedFileMetadata: raw.extendedFileMetadata === true }),
  ...(raw.partitionValues == null ? {} : { partitionValues: textMap(raw.partitionValues, 'partitionValues') }),
  ...(raw.size == null ? {} : { size: integer(raw, 'size') }),
  ...rarely(raw),
})

/** What few files have, and adds and removes share. */
function rarely(raw: Raw): Pick<FileAction, 'tags' | 'deletionVector' | 'baseRowId' | 'defaultRowCommitVersion'> {
  if (!hasRareMembers(raw)) return {}
  return {
    ...(raw.tags == null ? {} : { tags: textMap(raw.tags, 'tags') }),
    ...(raw.deletionVector == null ? {} : { deletionVector: vectorOf(object(raw.deletionVector, 'deletionVector')) }),
    ...(raw.baseRowId == null ? {} : { baseRowId: integer(raw, 'baseRowId') }),
    ...(raw.defaultRowCommitVersion == null
      ? {}
      : { defaultRowCommitVersion: integer(raw, 'defaultRowCommitVersion') }),
  }
}

const vectorOf = (raw: Raw): DeletionVector => ({
  storageType: text(raw, 'storageType'),
  pathOrInlineDv: text(raw, 'pathOrInlineDv'),
  ...(raw.offset == null ? {} : { offset: integer(raw, 'offset') }),
  sizeInBytes: integer(raw, 'sizeInBytes'),
  cardinality: integer(raw, 'cardinality'),
})

function metadataOf(raw: Raw): Metadata {
  const format = object(raw.format ?? { provider: 'parquet' }, 'format')
  return {
    id: text(raw, 'id'),
    ...(raw.name == null ? {} : { name: text(raw, 'name') }),
    ...(raw.description == null ? {} : { description: text(raw, 'description') }),
    format: { provider: text(format, 'provider'), options: strings(format.options, 'options') },
    ...(raw.schemaString == null ? {} : { schemaString: text(raw, 'schemaString') }),
    partitionColumns: names(raw.partitionColumns ?? [], 'partitionColumns'),
    configuration: strings(raw.configuration, 'configuration'),
    ...(raw.createdTime == null ? {} : { createdTime: integer(raw, 'createdTime') }),
  }
}

const protocolOf = (raw: Raw): Protocol => ({
  minReaderVersion: integer(raw, 'minReaderVersion'),
  minWriterVersion: integer(raw, 'minWriterVersion'),
  ...(raw.readerFeatures == null ? {} : { readerFeatures: names(raw.readerFeatures, 'readerFeatures') }),
  ...(raw.writerFeatures == null ? {} : { writerFeatures: names(raw.writerFeatures, 'writerFeatures') }),
})

function txnOf(raw: Raw): Txn {
  const { version } = raw
  if (typeof version !== 'bigint' && !Number.isSafeInteger(version)) throw new MalformedAction('version is no integer')
  return {
    appId: text(raw, 'appId'),
    version: BigInt(version as number | bigint),
    ...(raw.lastUpdated == null ? {} : { lastUpdated: integer(raw, 'lastUpdated') }),
  }
}

const domainOf = (raw: Raw): DomainMetadata => ({
  domain: text(raw, 'domain'),
  configuration: text(raw, 'configuration'),
  removed: raw.removed === true,
})

function object(value: unknown, name: string): Raw {
  if (!isObject(value)) throw new MalformedAction(`${name} is no object`)
  return value
}
function text(raw: Raw, name: string): string {
  const value = raw[name]
  if (typeof value !== 'string') throw new MalformedAction(`${name} is no text`)
  return value
}
function integer(raw: Raw, name: string): number {
  const value = raw[name]
  if (!Number.isSafeInteger(value)) throw new MalformedAction(`${name} is no integer`)
  return value as number
}
function names(value: unknown, name: string): readonly string[] {
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    throw new MalformedAction(`${name} is no list of names`)
  return value
}

/** One object for the many files without partition values. */
const none: PartitionValues = Object.freeze({})

function textMap(value: unknown, name: string): PartitionValues {
  if (value == null) return none
  if (!isObject(value)) throw new MalformedAction(`${name} is no object`)
  let empty = true
  for (const key in value) {
    empty = false
    const member = value[key]
    if (member !== null && typeof member !== 'string') throw new MalformedAction(`${name} holds what is no text`)
  }
  return empty ? none : (value as PartitionValues)
}
function strings(value: unknown, name: string): Readonly<Record<string, string>> {
  const found = Object.entries(textMap(value, name)).filter((entry): entry is [string, string] => entry[1] !== null)
  return Object.fromEntries(found)
}
