/** Version 0 of a new table, where none is; for create and for what register makes of a project. */
import { randomUUID } from 'node:crypto'
import type { RunContext } from '../../core/operation.ts'
import type { TableSchema } from '../../core/table-schema.ts'
import { commitTo } from './commit-table.ts'
import type { Location } from './location.ts'
import { commitOfJob } from './log/commit-of-job.ts'
import { createActions } from './log/create.ts'
import type { Snapshot } from './log/snapshot.ts'
import { committer, type Lake, snapshotAt } from './table.ts'
import { schemaProperties } from './table-properties.ts'

/** `created`: by this very job, in this run or before it was killed. */
export type Answer = 'created' | 'adopted'

/** What is there afterwards; that it is the table that was wanted is for the caller to see. */
export async function makeTable(
  lake: Lake,
  location: Location,
  schema: TableSchema,
  ctx: RunContext<any, any>,
): Promise<{ readonly answer: Answer; readonly there: Snapshot | undefined }> {
  const there = await snapshotAt(lake, location, ctx)
  if (there) return { answer: (await wasMadeBy(location, ctx.job.id)) ? 'created' : 'adopted', there }
  const actions = actionsFor(schema, ctx.now())
  const operation = {
    name: 'CREATE TABLE',
    parameters: { partitionBy: JSON.stringify(schema.partitions) },
    metrics: {},
  }
  const request = { snapshot: null, kind: 'metadata' as const, actions, operation }
  const outcome = await commitTo(lake, location, request, committer(ctx), ctx)
  const answer = outcome.is === 'committed' ? 'created' : 'adopted'
  return { answer, there: await snapshotAt(lake, location, ctx) }
}

/** Its version 0, where the log still has it. */
export const wasMadeBy = async (location: Location, job: string): Promise<boolean> =>
  (await commitOfJob(location, job, { from: 0, to: 0 })) === 0

/** Throws what Delta cannot hold, by name. */
export function actionsFor(schema: TableSchema, now: Date) {
  return createActions({
    id: randomUUID(),
    name: schema.name,
    ...(schema.description === null ? {} : { description: schema.description }),
    fields: schema.fields,
    partitionColumns: schema.partitions,
    configuration: schemaProperties(schema),
    createdTime: now.getTime(),
  })
}
