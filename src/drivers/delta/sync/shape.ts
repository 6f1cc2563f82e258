/** What a sync needs its target table to be: the source's columns, and a place in the log for the checkpoint. */

import { randomUUID } from 'node:crypto'
import { fail } from '../../../core/errors.ts'
import type { ReadContext, Subject } from '../../../core/operation.ts'
import { type Path, refOfPath, segmentsOf } from '../../../core/ref.ts'
import type { SyncTarget } from '../../../core/sync.ts'
import type { Field } from '../../../core/types.ts'
import { mergeFields } from '../../../verbs/merge-fields.ts'
import { requireSyncColumns } from '../../../verbs/sync-columns.ts'
import { commitTo } from '../commit-table.ts'
import { requireKey } from '../load/merge-key.ts'
import type { Action } from '../log/actions.ts'
import { withMappedColumns } from '../log/column-mapping.ts'
import type { CommitRequest } from '../log/commit-request.ts'
import { checkNames, createActions, hasWallClock } from '../log/create.ts'
import { isAppendOnly } from '../log/protocol.ts'
import { hasWriterFeature, withWriterFeature } from '../log/writer-features.ts'
import { type DeltaTable, type Lake, snapshotAt } from '../table.ts'
import { formatSchemaString } from '../types.ts'
import { committerOfSync, syncOf } from './checkpoint.ts'

/** The protocol's own place for what a program keeps with a table: log cleanup leaves it, and appends of others do not meet it. */
const feature = 'domainMetadata'
const attempts = 5

export async function ensure(
  lake: Lake,
  subject: Subject,
  { fields: wanted, key, newest = null }: Parameters<SyncTarget['ensure']>[1],
  ctx: ReadContext,
): Promise<{ readonly created: boolean; readonly added: readonly string[] }> {
  const location = lake.locations.of(subject)
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const snapshot = await snapshotAt(lake, location, ctx)
    if (key.length > 0 && snapshot && isAppendOnly(snapshot.metadata))
      throw fail('refused', 'append-only', 'the table is append-only (delta.appendOnly): its rows cannot be replaced', {
        where: location.url,
        hint: 'set appendOnly: true where rows of the source are never updated',
      })
    if (snapshot && (snapshot.files.size > 0 || syncOf(snapshot) !== null))
      requireSyncColumns(subject.path, snapshot.fields, { key, newest })
    requireKey(snapshot ? [...snapshot.fields, ...wanted] : wanted, key, refOfPath(subject.path))
    const change = snapshot
      ? alteration({ location, snapshot }, subject.path, wanted)
      : { actions: creation(subject.path, wanted, ctx.now()), added: wanted.map(({ name }) => name) }
    if (change.actions.length === 0) return { created: false, added: [] }
    const request: CommitRequest = {
      snapshot: snapshot ?? null,
      kind: 'metadata',
      actions: change.actions,
      operation: { name: snapshot ? 'ADD COLUMNS' : 'CREATE TABLE', parameters: {}, metrics: {} },
    }
    const { is } = await commitTo(lake, location, request, committerOfSync(ctx, subject.path), ctx)
    if (is === 'committed') return { created: !snapshot, added: change.added }
  }
  throw fail('unreachable', 'table-changing', `${refOfPath(subject.path)} was changed ${attempts} times in a row`, {
    retry: 'later',
  })
}

function creation(path: Path, fields: readonly Field[], now: Date): readonly Action[] {
  const table = {
    id: randomUUID(),
    name: segmentsOf(path).table,
    fields,
    partitionColumns: [],
    configuration: {},
    createdTime: now.getTime(),
  }
  return createActions(table).map((action) =>
    'protocol' in action ? { protocol: withWriterFeature(action.protocol, feature) } : action,
  )
}

function alteration(
  { snapshot }: DeltaTable,
  path: Path,
  wanted: readonly Field[],
): { readonly actions: readonly Action[]; readonly added: readonly string[] } {
  const { protocol, metadata, fields } = snapshot
  const merged = mergeFields(path, fields, wanted)
  const added = merged.slice(fields.length).map(({ name }) => name)
  const schemaString = formatSchemaString(merged, metadata.schemaString)
  const grown = added.length > 0 || merged.some(({ nullable }, i) => nullable !== fields[i]!.nullable)
  const actions: Action[] = []
  if (!hasWriterFeature(protocol, feature)) actions.push({ protocol: withWriterFeature(protocol, feature) })
  if (grown) {
    if (snapshot.mapping === null) checkNames(merged.slice(fields.length))
    if (merged.some(({ type }) => hasWallClock(type)) && !protocol.readerFeatures?.includes('timestampNtz'))
      throw fail(
        'refused',
        'delta-feature',
        'the new columns need the Delta feature timestampNtz, which the table lacks',
        {
          where: refOfPath(path),
          hint: `tblctl alter ${refOfPath(path)} --add-column adds it with the first such column`,
        },
      )
    const grownMetadata = { ...metadata, schemaString }
    actions.push({ metaData: snapshot.mapping === null ? grownMetadata : withMappedColumns(grownMetadata) })
  }
  return { actions, added }
}
