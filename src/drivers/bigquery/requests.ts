/** The few methods of BigQuery's REST API that the driver calls (REST reference: tables, datasets, jobs), with retries. */
import { randomUUID } from 'node:crypto'
import type { ReadContext } from '../../core/operation.ts'
import type { Send } from './client.ts'
import { asError, type Backoff, patient, retrying } from './retry.ts'
import type { FieldSchema } from './types.ts'

export interface TableResource {
  readonly etag?: string
  readonly type?: string
  readonly location?: string
  readonly creationTime?: string
  readonly lastModifiedTime?: string
  readonly description?: string
  /** Without what is still in the streaming buffer. Counts of 64 bits come as text. */
  readonly numRows?: string
  readonly numBytes?: string
  readonly schema?: { readonly fields?: readonly FieldSchema[] }
  readonly tableConstraints?: { readonly primaryKey?: { readonly columns?: readonly string[] } }
  readonly timePartitioning?: { readonly type?: string; readonly field?: string; readonly expirationMs?: string }
  readonly rangePartitioning?: { readonly field?: string }
  readonly clustering?: { readonly fields?: readonly string[] }
  readonly requirePartitionFilter?: boolean
  readonly streamingBuffer?: {
    readonly oldestEntryTime?: string
    readonly estimatedRows?: string
    readonly estimatedBytes?: string
  }
}

/** Cells are all text, NULL is null; REPEATED and RECORD nest. */
export interface WireRow {
  readonly f: readonly { readonly v: unknown }[]
}

/** A named parameter. All that the driver binds has a type of its own. */
export interface Parameter {
  readonly name: string
  readonly type: string
  readonly value: string
}
export interface Statement {
  readonly sql: string
  readonly parameters: readonly Parameter[]
}

/** One page of an answer, with the schema of that same answer. */
export interface QueryPage {
  readonly fields: readonly FieldSchema[]
  readonly rows: readonly WireRow[]
  /** Another page follows. */
  readonly more: boolean
  readonly billedBytes: number | null
}

interface QueryAnswer {
  readonly jobComplete?: boolean
  readonly jobReference?: { readonly jobId: string; readonly location?: string }
  readonly schema?: { readonly fields?: readonly FieldSchema[] }
  readonly rows?: readonly WireRow[]
  readonly pageToken?: string
  readonly totalBytesBilled?: string
  readonly totalBytesProcessed?: string
}
interface Call {
  readonly method: 'GET' | 'POST'
  readonly uri: string
  readonly qs?: Readonly<Record<string, string | number | boolean>>
  readonly json?: object
}

/** How long one request waits for a query before it is asked for again. */
const pollMs = 10_000

export class Requests {
  private readonly connect: () => Promise<Send>
  private readonly location: string | null
  private readonly maximumBytesBilled: number | null
  private readonly backoff: Backoff
  private sender: Promise<Send> | undefined
  constructor(
    connect: () => Promise<Send>,
    options: { location: string | null; maximumBytesBilled: number | null; backoff?: Backoff },
  ) {
    this.connect = connect
    this.location = options.location
    this.maximumBytesBilled = options.maximumBytesBilled
    this.backoff = options.backoff ?? patient
  }

  /** Throws `missing` when the table or its dataset is not there. */
  table(dataset: string, table: string, ctx: ReadContext): Promise<TableResource> {
    const uri = `/datasets/${encodeURIComponent(dataset)}/tables/${encodeURIComponent(table)}`
    return this.call({ method: 'GET', uri }, `${dataset}.${table}`, ctx) as Promise<TableResource>
  }
  async *datasets(ctx: ReadContext): AsyncIterable<string> {
    for await (const page of this.list('/datasets', 'datasets', ctx)) yield page.datasetReference.datasetId
  }
  async *tables(
    dataset: string,
    ctx: ReadContext,
  ): AsyncIterable<{ readonly id: string; readonly type: string | null }> {
    for await (const page of this.list(`/datasets/${encodeURIComponent(dataset)}/tables`, 'tables', ctx))
      yield { id: page.tableReference.tableId, type: page.type ?? null }
  }
  /** What a query would read, without running it. */
  async dryRun(statement: Statement, ctx: ReadContext): Promise<number> {
    const json = { ...this.body(statement, null, ctx), dryRun: true }
    const answer = await this.call({ method: 'POST', uri: '/queries', json }, 'dry run', ctx)
    return Number((answer as QueryAnswer).totalBytesProcessed ?? 0)
  }

  /** Runs a statement and reads its answer page by page; stop when you have enough. `location`: where the table lies. */
  async *query(
    statement: Statement,
    location: string | null,
    where: string,
    ctx: ReadContext,
  ): AsyncIterable<QueryPage> {
    const ids = [randomUUID()]
    // The same id again is the same job: a lost reply costs nothing.
    const start = (job: number) => {
      ids[job] ??= randomUUID()
      return { ...this.body(statement, location, ctx), requestId: ids[job], timeoutMs: pollMs }
    }
    let answer: QueryAnswer = await retrying(
      async (job) => (await this.send({ method: 'POST', uri: '/queries', json: start(job) }, ctx)) as QueryAnswer,
      this.backoff,
      ctx,
    ).catch((thrown) => {
      throw this.told(thrown, where, ctx)
    })
    const reference = answer.jobReference
    for (;;) {
      if (answer.jobComplete !== false) {
        const billed = answer.totalBytesBilled ?? answer.totalBytesProcessed
        yield {
          fields: answer.schema?.fields ?? [],
          rows: answer.rows ?? [],
          more: answer.pageToken !== undefined,
          billedBytes: billed === undefined ? null : Number(billed),
        }
        if (answer.pageToken === undefined || reference === undefined) return
      }
      answer = await this.results(reference!, answer.pageToken, where, ctx)
    }
  }
  private async results(
    job: NonNullable<QueryAnswer['jobReference']>,
    pageToken: string | undefined,
    where: string,
    ctx: ReadContext,
  ): Promise<QueryAnswer> {
    const qs = {
      'formatOptions.useInt64Timestamp': true,
      timeoutMs: pollMs,
      ...(job.location === undefined ? {} : { location: job.location }),
      ...(pageToken === undefined ? {} : { pageToken }),
    }
    const uri = `/queries/${encodeURIComponent(job.jobId)}`
    try {
      return (await this.call({ method: 'GET', uri, qs }, where, ctx)) as QueryAnswer
    } catch (error) {
      if (ctx.signal.aborted) await this.cancel(job)
      throw error
    }
  }
  /** Nobody waits for the query any more. That it goes on would only cost. */
  private async cancel(job: NonNullable<QueryAnswer['jobReference']>): Promise<void> {
    const qs = job.location === undefined ? {} : { location: job.location }
    const send = await this.sender!
    await send({ method: 'POST', uri: `/jobs/${encodeURIComponent(job.jobId)}/cancel`, qs, json: {} }).catch(() => {})
  }

  private body(statement: Statement, location: string | null, ctx: ReadContext): object {
    const at = location ?? this.location
    return {
      query: statement.sql,
      useLegacySql: false,
      formatOptions: { useInt64Timestamp: true },
      parameterMode: 'NAMED',
      queryParameters: statement.parameters.map(({ name, type, value }) => ({
        name,
        parameterType: { type },
        parameterValue: { value },
      })),
      labels: { 'tblctl-run': labelOf(ctx.run) },
      ...(at === null ? {} : { location: at }),
      ...(this.maximumBytesBilled === null ? {} : { maximumBytesBilled: String(this.maximumBytesBilled) }),
    }
  }

  private async *list(uri: string, name: 'datasets' | 'tables', ctx: ReadContext): AsyncIterable<any> {
    let pageToken: string | undefined
    do {
      const qs = { maxResults: 1000, ...(pageToken === undefined ? {} : { pageToken }) }
      const answer = (await this.call({ method: 'GET', uri, qs }, uri, ctx)) as any
      yield* answer[name] ?? []
      pageToken = answer.nextPageToken
    } while (pageToken !== undefined)
  }

  private async call(call: Call, where: string, ctx: ReadContext): Promise<unknown> {
    try {
      return await retrying(() => this.send(call, ctx), this.backoff, ctx)
    } catch (thrown) {
      throw this.told(thrown, where, ctx)
    }
  }
  private told(thrown: unknown, where: string, ctx: ReadContext): unknown {
    ctx.signal.throwIfAborted()
    return asError(thrown, where)
  }
  private async send(call: Call, ctx: ReadContext): Promise<unknown> {
    this.sender ??= this.connect()
    const send = await this.sender
    const { promise: given, reject } = Promise.withResolvers<never>()
    const stop = () => reject(ctx.signal.reason)
    ctx.signal.addEventListener('abort', stop, { once: true })
    const lost = Object.assign(new Error(`no answer in ${this.backoff.answer / 1000} s`), { code: 'ETIMEDOUT' })
    const timer = setTimeout(() => reject(lost), this.backoff.answer)
    try {
      return await Promise.race([send(call), given])
    } finally {
      clearTimeout(timer)
      ctx.signal.removeEventListener('abort', stop)
    }
  }
}

/** Label values are lower-case letters, digits, `_` and `-`, at most 63 (BigQuery, "Requirements for labels"). */
const labelOf = (run: string): string =>
  run
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '_')
    .slice(0, 63)
