/** What a load is called in the log: a batch in another mode, or merged by another key, is another work. */
import type { LoadMode, LoadOptions } from '../../../core/driver.ts'
import { fail } from '../../../core/errors.ts'
import type { Plan, Subject } from '../../../core/operation.ts'
import { refOfPath } from '../../../core/ref.ts'
import type { DeltaTable, Lake } from '../table.ts'
import { requireKey } from './merge-key.ts'

export type LoadRequest = LoadOptions & LoadMode

/** A type alias: it is part of a plan. */
export type LoadBatch = {
  readonly mode: NonNullable<LoadMode['mode']>
  /** Columns that name a row; [] unless `mode` is `merge`. */
  readonly key: readonly string[]
  /** Of the log's `txn`, which counts the rows of the batch that are in. */
  readonly appId: string
}

export interface LoadPlan extends Plan {
  readonly batch: LoadBatch
  readonly version: number
}

/** Throws `usage`/`no-key` for a merge whose key nobody says, and what requireKey throws. */
export async function batchOf(
  lake: Lake,
  { snapshot }: DeltaTable,
  subject: Subject,
  options: LoadRequest,
): Promise<LoadBatch> {
  const { mode = 'append', batchId } = options
  if (mode !== 'merge') return { mode, key: [], appId: `tblctl-${mode === 'append' ? 'load' : mode}:${batchId}` }
  const key = options.key?.length ? options.key : await keyOfSchema(lake, subject)
  requireKey(snapshot.fields, key, refOfPath(subject.path))
  return { mode, key, appId: `tblctl-merge:${JSON.stringify(key.toSorted())}:${batchId}` }
}

/** Not of an overwrite: that looks at the rows (overwrite.ts). */
export const isBatch = (appId: string): boolean => /^tblctl-(load|merge):/.test(appId)

async function keyOfSchema(lake: Lake, { path, spec }: Subject): Promise<readonly string[]> {
  const name = spec?.schema ?? null
  const declared = name === null ? null : await lake.environment.schema(name).catch(() => null)
  const key = declared?.primaryKey.length ? declared.primaryKey : (declared?.dedupKeys ?? [])
  if (key.length > 0) return key
  throw fail('usage', 'no-key', `a merge into ${refOfPath(path)} needs to know which columns name a row`, {
    hint:
      name === null ? 'add --key COLUMN,…' : `add --key COLUMN,…; the table schema ${name} has no primary_key to use`,
  })
}
