/** What a sync needs its target table to be: the source's columns, and a place in the log for the checkpoint. */

import { randomUUID } from 'node:crypto'
import { fail } from '../../core/errors.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { type Path, printable, refOfPath, segmentsOf } from '../../core/ref.ts'
import { type Field, sameType } from '../../core/types.ts'
import { commitTo } from './commit-table.ts'
import type { Action } from './log/actions.ts'
import type { CommitRequest } from './log/commit-request.ts'
import { createActions } from './log/create.ts'
import { hasWriterFeature, withWriterFeature } from './log/writer-features.ts'
import { committerOfSync } from './sync-checkpoint.ts'
import { type DeltaTable, type Lake, snapshotAt } from './table.ts'
import { formatSchemaString } from './types.ts'

/** The protocol's own place for what a program keeps with a table: log cleanup leaves it, and appends of others do not meet it. */
const feature = 'domainMetadata'
const attempts = 5

export async function ensure(
  lake: Lake,
  subject: Subject,
  wanted: readonly Field[],
  ctx: ReadContext,
): Promise<{ readonly created: boolean; readonly added: readonly string[] }> {
  const location = lake.locations.of(subject)
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const snapshot = await snapshotAt(lake, location, ctx)
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
    // A type may need a feature of its own; a table made anew would have it.
    const [needed] = creation(path, merged, new Date(0)).flatMap((action) =>
      'protocol' in action ? [action.protocol] : [],
    )
    const missing = (needed!.readerFeatures ?? []).find((name) => !(protocol.readerFeatures ?? []).includes(name))
    if (missing !== undefined)
      throw fail(
        'refused',
        'delta-feature',
        `the new columns need the Delta feature ${missing}, which the table lacks`,
        {
          where: refOfPath(path),
        },
      )
    actions.push({ metaData: { ...metadata, schemaString } })
  }
  return { actions, added }
}

/** Those that are there in their order, then the new ones, which are null in the rows that are there. */
function mergeFields(path: Path, there: readonly Field[], wanted: readonly Field[]): readonly Field[] {
  const kept = there.map((field) => {
    const now = wanted.find((other) => other.name === field.name)
    const where = `${refOfPath(path)}, column ${printable(field.name)}`
    if (now === undefined && !field.nullable)
      throw fail('refused', 'column-required', 'the source has no such column, and here it must have a value', {
        where,
      })
    if (now !== undefined && !sameType(now.type, field.type))
      throw fail('refused', 'type-changed', 'the source has this column with another type', { where })
    return { ...field, nullable: field.nullable || now?.nullable === true }
  })
  const added = wanted.filter((field) => !there.some((other) => other.name === field.name))
  return [...kept, ...added.map((field) => ({ ...field, nullable: true }))]
}
