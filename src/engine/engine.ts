/**
 * The embedded engine: DuckDB in memory, UTC, with a memory budget, no extensions and no network. Opened per operation and
 * disposed after it. It spills to a folder of its own below `scratch`, which goes with it.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection, DuckDBResult } from '@duckdb/node-api'
import type { Batch, Cell, Rows } from '../core/batch.ts'
import { fail } from '../core/errors.ts'
import type { DataType, Field } from '../core/types.ts'
import { appendBatch } from './append.ts'
import { chunkReader } from './cells.ts'
import { engineError, isDamage } from './engine-error.ts'
import { parquetSource, quoteIdentifier, quotePath } from './sql-text.ts'
import { dataTypeOf, sqlType } from './types.ts'

export interface EngineOptions {
  /** Folder for files that may be lost at any time; made when missing. */
  readonly scratch: string
  /** Default 2. */
  readonly threads?: number
  /** Bytes that the engine may hold before it spills; default 192 MiB. The process needs about 220 MB more. */
  readonly memoryLimit?: number
  /** Aborted: whatever runs is interrupted, and every call throws the signal's reason. */
  readonly signal?: AbortSignal
}

export interface ResultColumn {
  readonly name: string
  /** Null when no DataType holds its values. */
  readonly type: DataType | null
  /** The engine's name of its type. */
  readonly engineType: string
}

export type Row = Readonly<Record<string, Cell>>

/** Calls may overlap; each has a connection of its own, so temporary tables and session settings do not outlive a call. */
export interface Engine extends AsyncDisposable {
  /** Its own folder: spilled data and whatever a caller puts there until the engine is disposed. */
  readonly directory: string
  /** Files below `directory` that hold the user's input → how messages call that input. */
  readonly copies: Map<string, string>
  run(sql: string): Promise<void>
  /** What a SELECT would return; nothing is read but what it takes to bind it. */
  columns(select: string): Promise<ResultColumn[]>
  /** Adds rows to the table `name`, which is made with their columns when it is not there. Throws `type-unsupported`. */
  append(name: string, batch: Batch): Promise<void>
  /** All rows as canonical cells by column name; for small results. */
  all(sql: string): Promise<Row[]>
  /**
   * Rows as they come, in batches of at most 2048. `fields` declares what the columns are (a unit, a zone, nullability) where the
   * result's own types say less; without it they come from the result, unknown types as text. Dispose it when you stop early.
   */
  stream(sql: string, fields?: readonly Field[]): Promise<Rows>
}

const interruptEveryMs = 50

export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { signal } = options
  signal?.throwIfAborted()
  const duckdb = await import('@duckdb/node-api')
  await mkdir(options.scratch, { recursive: true })
  const directory = await mkdtemp(join(options.scratch, 'engine-'))
  const instance = await duckdb.DuckDBInstance.create(':memory:', {
    threads: String(options.threads ?? 2),
    memory_limit: `${options.memoryLimit ?? 192 * 1024 * 1024}B`,
    temp_directory: join(directory, 'spill'),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  })
  const copies = new Map<string, string>()
  const active = new Set<DuckDBConnection>()
  const settled = new Set<Promise<unknown>>()
  let closed = false

  const interruptAll = (): void => {
    for (const connection of active) connection.interrupt()
  }
  // An interrupt that comes before the statement has begun is lost: repeat it until nothing runs any more.
  let interrupting: NodeJS.Timeout | undefined
  const onAbort = (): void => {
    interruptAll()
    interrupting = setInterval(interruptAll, interruptEveryMs)
    interrupting.unref()
  }
  signal?.addEventListener('abort', onAbort, { once: true })

  async function open(): Promise<DuckDBConnection> {
    signal?.throwIfAborted()
    if (closed) throw new Error('the engine is disposed')
    const connection = await instance.connect()
    active.add(connection)
    return connection
  }
  function close(connection: DuckDBConnection): void {
    if (active.delete(connection)) connection.closeSync()
  }
  function explain(thrown: unknown): unknown {
    return signal?.aborted ? signal.reason : engineError(thrown, copies)
  }
  function track<T>(work: Promise<T>): Promise<T> {
    settled.add(work)
    const forget = (): boolean => settled.delete(work)
    work.then(forget, forget)
    return work
  }
  function withConnection<T>(use: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    return track(
      (async () => {
        const connection = await open()
        try {
          return await use(connection)
        } catch (error) {
          throw explain(error)
        } finally {
          close(connection)
        }
      })(),
    )
  }

  async function* batches(connection: DuckDBConnection, result: DuckDBResult, fields: readonly Field[]) {
    const read = chunkReader(result.columnTypes())
    try {
      while (active.has(connection)) {
        signal?.throwIfAborted()
        const chunk = await track(result.fetchChunk())
        if (chunk === null || chunk.rowCount === 0) return
        yield { fields, columns: read(chunk), rows: chunk.rowCount } satisfies Batch
      }
    } catch (error) {
      throw explain(error)
    } finally {
      close(connection)
    }
  }

  const engine: Engine = {
    directory,
    copies,
    run: (sql) =>
      withConnection(async (connection) => {
        await connection.run(sql)
      }),
    columns: (select) =>
      withConnection(async (connection) => {
        const statement = await connection.prepare(select)
        return Array.from({ length: statement.columnCount }, (_, i) => {
          const type = statement.columnType(i)
          return { name: statement.columnName(i), type: dataTypeOf(type) ?? null, engineType: String(type) }
        })
      }),
    append: (name, batch) =>
      withConnection(async (connection) => {
        const columns = batch.fields.map((field) => `${quoteIdentifier(field.name)} ${sqlType(field.type)}`)
        await connection.run(`CREATE TABLE IF NOT EXISTS ${quoteIdentifier(name)} (${columns.join(', ')})`)
        const appender = await connection.createAppender(name)
        try {
          appendBatch(duckdb, appender, batch)
        } finally {
          appender.closeSync()
        }
      }),
    all: (sql) =>
      withConnection(async (connection) => {
        const result = await connection.stream(sql)
        const names = result.deduplicatedColumnNames()
        const read = chunkReader(result.columnTypes())
        const rows: Row[] = []
        for await (const chunk of result) {
          const columns = read(chunk)
          for (let r = 0; r < chunk.rowCount; r++)
            rows.push(Object.fromEntries(names.map((name, c) => [name, columns[c]![r]!])))
        }
        return rows
      }),
    stream: async (sql, declared) => {
      const connection = await open()
      try {
        const result = await track(connection.stream(sql))
        const fields = declared ?? fieldsOf(result)
        if (fields.length !== result.columnCount)
          throw new Error(`${fields.length} fields declared, the result has ${result.columnCount}`)
        return {
          fields,
          batches: batches(connection, result, fields),
          [Symbol.asyncDispose]: async () => {
            if (active.has(connection)) connection.interrupt()
            await Promise.allSettled(settled)
            close(connection)
          },
        }
      } catch (error) {
        close(connection)
        throw explain(error)
      }
    },
    [Symbol.asyncDispose]: async () => {
      if (closed) return
      closed = true
      signal?.removeEventListener('abort', onAbort)
      interruptAll()
      await Promise.allSettled(settled)
      clearInterval(interrupting)
      for (const connection of active) close(connection)
      instance.closeSync()
      await rm(directory, { recursive: true, force: true })
    },
  }
  await engine.run("SET GLOBAL TimeZone = 'UTC'")
  return engine
}

function fieldsOf(result: DuckDBResult): Field[] {
  const text: DataType = { kind: 'Utf8' }
  const types = result.columnTypes()
  return result
    .deduplicatedColumnNames()
    .map((name, i) => ({ name, type: dataTypeOf(types[i]!) ?? text, nullable: true }))
}

/**
 * Runs work that reads Parquet files and, when one of them is damaged and the engine did not say which, finds it:
 * the error's `where` is that file. `part`: what of a file is there to be looked at.
 */
export async function readingFiles<T>(
  engine: Engine,
  files: readonly string[],
  work: () => Promise<T>,
  part: 'all' | 'footer' = 'all',
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Error) || !isDamage(error.cause)) throw error
    for (const file of files) {
      try {
        const source = part === 'all' ? parquetSource([file]) : `parquet_metadata(${quotePath(file)})`
        await engine.run(`SELECT count(hash(f)) FROM ${source} AS f`)
      } catch {
        throw fail('data', 'corrupt-file', error.message, {
          where: engine.copies.get(file) ?? file,
          cause: error.cause,
        })
      }
    }
    throw error
  }
}
