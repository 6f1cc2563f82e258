/** Small Delta tables written by hand, and stores that clean up after themselves. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { paddedVersion } from '../../../src/drivers/delta/log/paths.ts'
import { readSnapshot, type Snapshot, type SnapshotOptions } from '../../../src/drivers/delta/log/snapshot.ts'
import { openLocalStore } from '../../../src/storage/local.ts'
import type { ObjectStore } from '../../../src/storage/object-store.ts'

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tblctl-delta-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export interface Fixture {
  readonly store: ObjectStore
  readonly root: string
  readonly scratch: string
  /** Writes commit `version` of table `t` from actions, or from the text as it is. */
  commit(version: number, actions: readonly object[] | string): Promise<void>
  read(options?: Partial<SnapshotOptions>): Promise<Snapshot | undefined>
}

export async function fixture(prefix = 't'): Promise<Fixture> {
  const folder = await temporaryFolder()
  const root = join(folder, 'root')
  const scratch = join(folder, 'scratch')
  const store = openLocalStore(root)
  return {
    store,
    root,
    scratch,
    async commit(version, actions) {
      const text = typeof actions === 'string' ? actions : actions.map((action) => JSON.stringify(action)).join('\n')
      const key = `${prefix === '' ? '' : `${prefix}/`}_delta_log/${paddedVersion(version)}.json`
      await store.put(key, Buffer.from(text))
    },
    read: (options = {}) => readSnapshot(store, prefix, { scratch, ...options }),
  }
}

export const schemaString = JSON.stringify({
  type: 'struct',
  fields: [{ name: 'id', type: 'long', nullable: true, metadata: {} }],
})
export const protocol = { protocol: { minReaderVersion: 1, minWriterVersion: 2 } }
export const metaData = (more: object = {}): { metaData: object } => ({
  metaData: {
    id: 'a-table',
    format: { provider: 'parquet', options: {} },
    schemaString,
    partitionColumns: [],
    configuration: {},
    ...more,
  },
})
export const add = (path: string, more: object = {}): { add: object } => ({
  add: { path, partitionValues: {}, size: 10, modificationTime: 1, dataChange: true, ...more },
})
export const remove = (path: string, more: object = {}): { remove: object } => ({
  remove: { path, deletionTimestamp: 5, dataChange: true, ...more },
})
/** Matches a thrown TblctlError by its view. */
export const view = (part: object): { view: unknown } => ({ view: part })
