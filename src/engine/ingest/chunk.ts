/** The chunk that is being gathered: spooled text rows and ranges of Parquet files, until a limit is reached. */
import { join } from 'node:path'
import type { Field } from '../../core/types.ts'
import type { Engine } from '../engine.ts'
import type { Derived } from './derive.ts'
import { openSpool, type Spool } from './spool.ts'

/** A chunk is cut by whichever comes first; null = never. */
export interface ChunkLimits {
  readonly rows: number | null
  /** Of accepted rows as JSON text, or of their share of a Parquet file. */
  readonly bytes: number | null
  /** Since the chunk's first row. */
  readonly milliseconds: number | null
}

export interface Chunk {
  /** SELECT of the table's columns, in order and with their types. Valid until the next chunk is asked for. */
  readonly select: string
  /** Files that the select reads. */
  readonly files: readonly string[]
  /** Rows that the select returns. 0 only in a last chunk that has nothing but rejected rows: nothing to write. */
  readonly rows: number
  /** Rows of the whole input up to the end of this chunk, rejected ones too, blank lines not. */
  readonly consumed: number
  /** Rows rejected since the chunk before. They are on the disk. */
  readonly rejected: number
}

export interface ChunkBuilder extends AsyncDisposable {
  /** `input`: how messages call the file that the row comes from. */
  append(json: string, input: string): void
  drain(): Promise<void>
  add(select: string, file: string, rows: number, bytes: number): void
  rejected(rows: number): void
  /** Rows of a Parquet file that still fit; at least 1. */
  room(bytesOfRow: number): number
  full(): boolean
  /** Milliseconds until the chunk must be cut; null = it need not. */
  dueIn(): number | null
  finish(): Promise<Chunk>
  /** Gives up what was finished and begins the next chunk. */
  restart(): Promise<void>
}

export function chunkBuilder(
  limits: ChunkLimits,
  fields: readonly Field[],
  derived: Derived,
  engine: Engine,
  consumedBefore: number,
): ChunkBuilder {
  let spool: Spool | null = null
  const inputs = new Set<string>()
  let parts: { select: string; file: string }[] = []
  let [rows, bytes, rejected, consumed, number] = [0, 0, 0, consumedBefore, 0]
  let firstRowAt: number | null = null

  const elapsed = (): number => (firstRowAt === null ? 0 : performance.now() - firstRowAt)
  const started = (): void => {
    firstRowAt ??= limits.milliseconds === null ? null : performance.now()
  }
  const restart = async (): Promise<void> => {
    if (spool !== null) {
      await spool[Symbol.asyncDispose]()
      engine.copies.delete(spool.path)
    }
    spool = null
    inputs.clear()
    parts = []
    rows = bytes = rejected = 0
    firstRowAt = null
  }
  return {
    append(json, input) {
      started()
      spool ??= openSpool(join(engine.directory, `chunk-${number++}.ndjson`))
      const before = spool.bytes
      spool.append(json)
      inputs.add(input)
      bytes += spool.bytes - before
      rows++
      consumed++
    },
    drain: async () => spool?.drain(),
    add(select, file, more, moreBytes) {
      started()
      parts.push({ select, file })
      rows += more
      bytes += moreBytes
      consumed += more
    },
    rejected(more) {
      rejected += more
      consumed += more
    },
    room(bytesOfRow) {
      const byRows = limits.rows === null ? Number.POSITIVE_INFINITY : limits.rows - rows
      const byBytes =
        limits.bytes === null || bytesOfRow === 0 ? Number.POSITIVE_INFINITY : (limits.bytes - bytes) / bytesOfRow
      return Math.max(1, Math.floor(Math.min(byRows, byBytes)))
    },
    full: () =>
      (limits.rows !== null && rows >= limits.rows) ||
      (limits.bytes !== null && bytes >= limits.bytes) ||
      (limits.milliseconds !== null && elapsed() >= limits.milliseconds),
    dueIn: () =>
      limits.milliseconds === null || firstRowAt === null ? null : Math.max(0, limits.milliseconds - elapsed()),
    async finish() {
      await spool?.finish()
      if (spool !== null) engine.copies.set(spool.path, [...inputs].join(', '))
      const all = [...parts, ...(spool === null ? [] : [{ select: spool.select(fields, derived), file: spool.path }])]
      return {
        select: all.map((part) => part.select).join(' UNION ALL '),
        files: [...new Set(all.map((part) => part.file))],
        rows,
        consumed,
        rejected,
      }
    },
    restart,
    [Symbol.asyncDispose]: restart,
  }
}
