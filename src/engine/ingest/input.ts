/** What `load` reads: files and standard input, in order, cut into chunks that a driver writes and commits one by one. */
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { RowFormat } from '../../core/batch.ts'
import { fail, TblctlError } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import type { Engine } from '../engine.ts'
import { type Chunk, type ChunkBuilder, type ChunkLimits, chunkBuilder } from './chunk.ts'
import { csvRows } from './csv.ts'
import { type Derived, derivedColumns, type LoadSchema } from './derive.ts'
import { ndjsonRows } from './lines.ts'
import { openParquet } from './parquet.ts'
import { openRejects, type Rejects } from './rejects.ts'
import { rowCheck } from './row-check.ts'
import { type ByteSource, fileSource, type InputRow, type Skip } from './rows.ts'

export interface InputOptions {
  /** Path null = standard input, whose bytes are `stream`. */
  readonly inputs: readonly { readonly path: string | null; readonly format: RowFormat }[]
  readonly stream?: AsyncIterable<Uint8Array>
  readonly schema: LoadSchema
  /** The project in the table's ref. */
  readonly project: string
  /** Rows that earlier chunks have consumed (`Chunk.consumed` of the last one that was committed). */
  readonly skip: number
  /** How the batch is called, for those who must go on with it. */
  readonly batchId: string
  readonly limits: ChunkLimits
  readonly rejectTo: string | null
  readonly engine: Engine
  readonly signal?: AbortSignal
}

/**
 * Reads the input once. Rows are consumed in order whatever the limits, so a load that was interrupted goes on with `skip`.
 * Without a reject file the first row that does not fit throws `row-rejected`. Throws `input-changed` when the input has fewer rows
 * than `skip`.
 */
export async function* openInput(options: InputOptions): AsyncGenerator<Chunk> {
  let loaded = options.skip
  try {
    for await (const chunk of chunksOf(options)) {
      yield chunk
      loaded = chunk.consumed // whoever asks for the next one has committed this one
    }
  } catch (error) {
    throw loaded > 0 && error instanceof TblctlError && error.view.code === 'row-rejected'
      ? inPart(error, loaded, options.batchId)
      : error
  }
}

/** A mended file is another batch, unless it is told that it goes on with this one. */
function inPart({ view }: TblctlError, loaded: number, batchId: string): Error {
  const { hint, ...error } = view
  return new TblctlError({
    ...error,
    message: `${error.message}; the first ${loaded} rows of the input are loaded`,
    hint: `mend the row, leave the rows before it as they are, and load again with --batch-id ${batchId}${hint ? `; or: ${hint}` : ''}`,
  })
}

async function* chunksOf(options: InputOptions): AsyncGenerator<Chunk> {
  const { schema, engine, signal } = options
  const derived = derivedColumns(schema, options.project)
  const skip: Skip = { left: options.skip }
  await using rejects = openRejects(options.rejectTo)
  await using chunk = chunkBuilder(options.limits, schema.fields, derived, engine, options.skip)

  async function* cut(): AsyncGenerator<Chunk> {
    await rejects.flush()
    const done = await chunk.finish()
    if (done.rows > 0 || done.rejected > 0) yield done
    await chunk.restart()
  }

  for (const { path, format } of options.inputs) {
    signal?.throwIfAborted()
    if (format === 'parquet') {
      const file = path ?? (await spoolStream(options))
      for await (const _ of parquetRows(engine, file, path ?? '-', schema, derived, skip, chunk, rejects)) yield* cut()
    } else {
      const source = path === null ? standardInput(options) : fileSource(path)
      const rows =
        format === 'ndjson'
          ? ndjsonRows(source, rowCheck(schema.fields, derived), skip)
          : csvRows(source, schema.fields, derived, skip)
      for await (const _ of textRows(rows, source.name, chunk, rejects, signal)) yield* cut()
    }
  }
  if (skip.left > 0)
    throw fail(
      'data',
      'input-changed',
      `the input has ${options.skip - skip.left} rows, and ${options.skip} were loaded from it`,
      {
        hint: 'the input has changed since the load was interrupted: load it as a new batch',
      },
    )
  yield* cut()
}

/** Yields where the chunk has to be cut. */
async function* textRows(
  rows: AsyncGenerator<InputRow[]>,
  file: string,
  chunk: ChunkBuilder,
  rejects: Rejects,
  signal: AbortSignal | undefined,
): AsyncGenerator<void> {
  try {
    let next = rows.next()
    while (true) {
      const result = await untilDue(next, chunk, signal)
      if (result === 'due') {
        yield
        continue
      }
      if (result.done) return
      for (const row of result.value) {
        if ('json' in row) chunk.append(row.json, file)
        else {
          rejects.add(file, row.line, row.rejection, row.row)
          chunk.rejected(1)
        }
        if (chunk.full()) yield
      }
      await chunk.drain()
      next = rows.next()
    }
  } finally {
    // Not awaited: it would wait for input that is still to come.
    rows.return(undefined).catch(() => {})
  }
}

/** The next rows, or `due` when the chunk's time is over before they come. */
async function untilDue<T>(next: Promise<T>, chunk: ChunkBuilder, signal: AbortSignal | undefined): Promise<T | 'due'> {
  const milliseconds = chunk.dueIn()
  if (milliseconds === null && signal === undefined) return next
  next.catch(() => {})
  const { promise: ended, resolve, reject } = Promise.withResolvers<'due'>()
  const timer = milliseconds === null ? undefined : setTimeout(resolve, milliseconds, 'due')
  const onAbort = (): void => reject(signal!.reason)
  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([next, ended])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

async function* parquetRows(
  engine: Engine,
  path: string,
  name: string,
  { fields }: LoadSchema,
  derived: Derived,
  skip: Skip,
  chunk: ChunkBuilder,
  rejects: Rejects,
): AsyncGenerator<void> {
  const file = await openParquet(engine, path, printable(name), fields, derived)
  let from = Math.min(skip.left, file.rows)
  skip.left -= from
  while (from < file.rows) {
    const to = Math.min(file.rows, from + chunk.room(file.bytesOfRow))
    const rejected = await file.reject(from, to, rejects)
    chunk.rejected(rejected)
    chunk.add(file.select(from, to), path, to - from - rejected, (to - from) * file.bytesOfRow)
    from = to
    if (chunk.full()) yield
  }
}

function standardInput({ stream }: InputOptions): ByteSource {
  if (stream === undefined) throw fail('usage', 'no-input', 'there is nothing on standard input')
  return { name: '-', bytes: stream }
}

/** Parquet is read from its end: what comes on standard input goes through a file. */
async function spoolStream(options: InputOptions): Promise<string> {
  const path = join(options.engine.directory, 'stdin.parquet')
  const { name, bytes } = standardInput(options)
  options.engine.copies.set(path, name)
  await pipeline(Readable.from(bytes), createWriteStream(path), ...(options.signal ? [{ signal: options.signal }] : []))
  return path
}
