/** The columns of a checkpoint as the engine types them (Delta PROTOCOL, "Checkpoint Schema"): one struct for each kind of action. */
const struct = (members: Readonly<Record<string, string>>): string =>
  `STRUCT(${Object.entries(members)
    .map(([name, type]) => `"${name}" ${type}`)
    .join(', ')})`

const text = 'VARCHAR'
const long = 'BIGINT'
const integer = 'INTEGER'
const boolean = 'BOOLEAN'
const texts = 'VARCHAR[]'
const map = 'MAP(VARCHAR, VARCHAR)'

const deletionVector = struct({
  storageType: text,
  pathOrInlineDv: text,
  offset: integer,
  sizeInBytes: integer,
  cardinality: long,
})

/** `checkpointMetadata` stands only where the table has the feature v2Checkpoint. */
export const checkpointColumns: Readonly<Record<string, string>> = {
  txn: struct({ appId: text, version: long, lastUpdated: long }),
  add: struct({
    path: text,
    partitionValues: map,
    size: long,
    modificationTime: long,
    dataChange: boolean,
    tags: map,
    deletionVector,
    baseRowId: long,
    defaultRowCommitVersion: long,
    clusteringProvider: text,
    stats: text,
  }),
  remove: struct({
    path: text,
    deletionTimestamp: long,
    dataChange: boolean,
    extendedFileMetadata: boolean,
    partitionValues: map,
    size: long,
    deletionVector,
    baseRowId: long,
    defaultRowCommitVersion: long,
  }),
  metaData: struct({
    id: text,
    name: text,
    description: text,
    format: struct({ provider: text, options: map }),
    schemaString: text,
    partitionColumns: texts,
    configuration: map,
    createdTime: long,
  }),
  protocol: struct({
    minReaderVersion: integer,
    minWriterVersion: integer,
    readerFeatures: texts,
    writerFeatures: texts,
  }),
  domainMetadata: struct({ domain: text, configuration: text, removed: boolean }),
}
export const checkpointMetadataColumn = struct({ version: long, tags: map })
