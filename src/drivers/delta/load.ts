/**
 * load: each chunk of the input is one commit, with `txn` telling how many rows of this batch the table holds. The log alone decides
 * where a load goes on, so a killed one never doubles rows, whoever resumes it.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { LoadOptions } from '../../core/driver.ts'
import { fail } from '../../core/errors.ts'
import type { Operation, Plan, RunContext } from '../../core/operation.ts'
import { printable, refOfPath, segmentsOf } from '../../core/ref.ts'
import type { Field } from '../../core/types.ts'
import type { Engine } from '../../engine/engine.ts'
import { openEngine } from '../../engine/engine.ts'
import type { Chunk } from '../../engine/ingest/chunk.ts'
import { openInput } from '../../engine/ingest/input.ts'
import { quoteIdentifier } from '../../engine/sql-text.ts'
import { sqlType } from '../../engine/types.ts'
import { writeParquet, writeParquetPartitions } from '../../engine/write-parquet.ts'
import { loadOptions } from '../../verbs/options.ts'
import { bytesOf, discard, publish } from './data-file.ts'
import type { Add } from './log/actions.ts'
import { commit } from './log/commit.ts'
import { requireWritable } from './log/protocol.ts'
import { type Snapshot, updateSnapshot } from './log/snapshot.ts'
import { committer, type DeltaTable, type Lake, openTable, storedFields } from './table.ts'

interface Result {
  readonly rows: number
  readonly rejected: number
  readonly files: number
  readonly bytes: number
  readonly commits: number
  readonly version: number | null
}
const nothing: Result = { rows: 0, rejected: 0, files: 0, bytes: 0, commits: 0, version: null }

const appIdOf = (batchId: string): string => `tblctl-load:${batchId}`
const consumedOf = (snapshot: Snapshot, batchId: string): number =>
  Number(snapshot.txns.get(appIdOf(batchId))?.version ?? 0)

export function load(lake: Lake): Operation<LoadOptions, Plan, Result, Result> {
  return {
    options: loadOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: (options) => options.batchId,
    async plan(subject, options, ctx) {
      const { snapshot, location } = await openTable(lake, subject, ctx)
      requireWritable(snapshot, location.url)
      const before = consumedOf(snapshot, options.batchId)
      const what = options.inputs.map(({ path }) => printable(path ?? 'standard input')).join(', ')
      return {
        changes: 1,
        risk: 'routine',
        summary: [
          `load ${what} into ${refOfPath(subject.path)}${before > 0 ? `; ${before} rows of this batch are there` : ''}`,
        ],
        basis: { id: snapshot.metadata.id },
        leases: [{ path: subject.path, mode: 'write' }],
      }
    },
    async execute(plan, ctx) {
      const { options } = ctx
      let table = await openTable(lake, ctx.subject, ctx)
      if (table.snapshot.metadata.id !== plan.basis.id) return { is: 'stale', why: 'another table is in its place' }
      let state: Result = ctx.state ?? nothing
      await using engine = await openEngine({ scratch: await lake.environment.scratch(), signal: ctx.signal })
      const chunks = openInput({
        inputs: options.inputs,
        ...(ctx.input ? { stream: ctx.input } : {}),
        schema: await loadSchema(lake, table, ctx),
        project: segmentsOf(ctx.subject.path).project,
        skip: consumedOf(table.snapshot, options.batchId),
        limits: { rows: options.commitRows, bytes: options.commitBytes, milliseconds: options.commitMs },
        rejectTo: options.rejectTo,
        engine,
        signal: ctx.signal,
      })
      for await (const chunk of chunks) {
        const adds = chunk.rows > 0 ? await writeChunk(engine, table, chunk) : []
        const outcome = await commit(
          table.location.store,
          table.location.prefix,
          {
            snapshot: table.snapshot,
            kind: 'append',
            actions: adds.map((add) => ({ add })),
            txn: { appId: appIdOf(options.batchId), version: chunk.consumed },
            operation: {
              name: 'WRITE',
              parameters: { mode: 'Append', partitionBy: JSON.stringify(table.snapshot.metadata.partitionColumns) },
              metrics: { numFiles: adds.length, numOutputRows: chunk.rows, numOutputBytes: bytesOf(adds) },
            },
          },
          committer(ctx),
        )
        if (outcome.is !== 'committed') await discard(table, adds)
        if (outcome.is === 'metadata-changed')
          return { is: 'stale', why: `version ${outcome.version} changed the table's schema or protocol` }
        if (outcome.is === 'conflict') return { is: 'conflict', why: outcome.why }
        // `already`: another process loads the same batch; what it has loaded is not loaded again.
        if (outcome.is === 'already') return { is: 'conflict', why: 'another process is loading the same batch' }
        state = {
          rows: state.rows + chunk.rows,
          rejected: state.rejected + chunk.rejected,
          files: state.files + adds.length,
          bytes: state.bytes + bytesOf(adds),
          commits: state.commits + 1,
          version: outcome.version,
        }
        ctx.report({ done: state.rows, total: null, unit: 'rows' })
        await ctx.commit({ phase: 'loading', state })
        table = await refreshed(lake, table, ctx)
      }
      return state.commits > 0 ? { is: 'changed', result: state } : { is: 'unchanged' }
    },
  }
}

/** The time column that `date` follows from is the schema's to say; an adopted table has only the usual name. */
async function loadSchema(lake: Lake, { snapshot }: DeltaTable, ctx: RunContext<any, any>) {
  const name = ctx.subject.spec?.schema
  const declared = name === null || name === undefined ? null : await lake.environment.schema(name).catch(() => null)
  const usual = snapshot.fields.some((field) => field.name === 'timestamp') ? 'timestamp' : null
  return {
    fields: snapshot.fields,
    partitions: snapshot.metadata.partitionColumns,
    timeColumn: declared ? declared.timeColumn : usual,
  }
}

async function writeChunk(engine: Engine, table: DeltaTable, chunk: Chunk): Promise<Add[]> {
  const fields = storedFields(table.snapshot)
  const partitions = table.snapshot.metadata.partitionColumns
  const folder = join(engine.directory, 'chunk')
  await rm(folder, { recursive: true, force: true })
  const options = { fields, compression: 'zstd' as const }
  const written =
    partitions.length > 0
      ? await writeParquetPartitions(engine, storedSelect(chunk.select, fields), folder, { ...options, partitions })
      : [
          {
            ...(await writeParquet(engine, storedSelect(chunk.select, fields), `${folder}.parquet`, options)),
            partitionValues: {},
          },
        ]
  const rows = written.reduce((sum, file) => sum + file.rows, 0)
  if (rows !== chunk.rows) throw fail('bug', 'rows-differ', `${chunk.rows} rows were read and ${rows} written`)
  const adds: Add[] = []
  try {
    for (const file of written) adds.push(await publish(table, file, file.partitionValues, { dataChange: true }))
  } catch (error) {
    await discard(table, adds).catch(() => {})
    throw error
  }
  return adds
}

/** The table's columns as its files hold them (UInt8 as short, Json as text). */
function storedSelect(select: string, fields: readonly Field[]): string {
  const columns = fields.map(
    ({ name, type }) => `CAST(${quoteIdentifier(name)} AS ${sqlType(type)}) AS ${quoteIdentifier(name)}`,
  )
  return `SELECT ${columns.join(', ')} FROM (${select})`
}

async function refreshed(lake: Lake, table: DeltaTable, ctx: RunContext<any, any>): Promise<DeltaTable> {
  const { store, prefix } = table.location
  const snapshot = await updateSnapshot(store, prefix, table.snapshot, {
    scratch: await lake.environment.scratch(),
    signal: ctx.signal,
  })
  if (!snapshot)
    throw fail('missing', 'no-delta-table', 'the table was removed while it was being loaded', {
      where: table.location.url,
    })
  return { ...table, snapshot }
}
