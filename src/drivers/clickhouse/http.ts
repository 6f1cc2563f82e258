/** The executor over HTTP, with ClickHouse's own client. Answers are buffered by the server: an error never comes in the middle of one. */
import { createReadStream } from 'node:fs'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type { ClickHouseSettings } from '@clickhouse/client'
import { clickhouseError } from './errors.ts'
import { alwaysSettings, type Executor, insertInto, jsonRows, type Statement } from './executor.ts'

export interface HttpOptions {
  readonly url: string
  readonly username: string
  readonly password: string
  /** In the server's log of queries. */
  readonly application: string
}

/** A merge of a large partition answers after hours; who wants less sets --timeout. */
const requestTimeoutMs = 24 * 3_600_000
const connections = 8

export async function openHttp(options: HttpOptions): Promise<Executor> {
  const { ClickHouseLogLevel, createClient } = await import('@clickhouse/client')
  const client = createClient({
    url: options.url,
    username: options.username,
    password: options.password,
    application: options.application,
    request_timeout: requestTimeoutMs,
    max_open_connections: connections,
    log: { level: ClickHouseLogLevel.OFF },
  })
  const common = ({ parameters, settings, signal, queryId }: Omit<Statement, 'sql'>) => ({
    clickhouse_settings: { ...alwaysSettings, wait_end_of_query: 1, ...settings } as ClickHouseSettings,
    ...(parameters ? { query_params: { ...parameters } } : {}),
    ...(signal ? { abort_signal: signal } : {}),
    ...(queryId ? { query_id: queryId } : {}),
  })
  async function told<T>(statement: Omit<Statement, 'sql'>, work: () => Promise<T>): Promise<T> {
    statement.signal?.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      statement.signal?.throwIfAborted()
      throw clickhouseError(error, options.url)
    }
  }
  const executor: Executor = {
    place: options.url,
    get version() {
      // Without settings: a server too old for them must still be able to say how old it is.
      return told({}, async () => {
        const answer = await client.query({ query: 'SELECT version() AS v', format: 'JSONEachRow' })
        return (await answer.json<{ v: string }>())[0]!.v
      })
    },
    query: <Row extends object>(statement: Statement) =>
      told(statement, async () => {
        // The format stands beside the statement, not in it: that of an EXPLAIN would be the explained query's.
        const { stream } = await client.exec({
          query: statement.sql,
          ...common({ ...statement, settings: { ...statement.settings, default_format: 'JSONEachRow' } }),
        })
        return jsonRows<Row>(await text(stream))
      }),
    command: (statement) =>
      told(statement, async () => void (await client.command({ query: statement.sql, ...common(statement) }))),
    insertFile: (target, format, file, statement) =>
      told(statement, async () => {
        const query = `${insertInto(target)} FORMAT ${format}`
        const { stream } = await client.exec({ query, values: createReadStream(file), ...common(statement) })
        await pipeline(stream, async (answer) => {
          for await (const _ of answer);
        })
      }),
    async *bytes(statement, format) {
      const { stream } = await told(statement, () =>
        client.exec({ query: `${statement.sql}\nFORMAT ${format}`, ...common(statement) }),
      )
      try {
        yield* stream as AsyncIterable<Uint8Array>
      } catch (error) {
        statement.signal?.throwIfAborted()
        throw clickhouseError(error, options.url)
      }
    },
    [Symbol.asyncDispose]: () => client.close(),
  }
  return executor
}
