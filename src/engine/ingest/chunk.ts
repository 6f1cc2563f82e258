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
  /** SELECT of the table's columns, in order and with their types; its rows come as in the input. Valid until the next chunk is asked for. */
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

/** Rows of text, and how messages call what they come from. */
interface Spooled {
  readonly spool: Spool
  readonly inputs: Set<string>
}

export function chunkBuilder(
  limits: ChunkLimits,
  fields: readonly Field[],
  derived: Derived,
  engine: Engine,
  consumedBefore: number,
): ChunkBuilder {
  /** In the order of the input: text rows, ranges of Parquet files, text rows again. */
  let parts: (Spooled | { readonly select: string; readonly file: string })[] = []
  let [rows, bytes, rejected, consumed, number] = [0, 0, 0, consumedBefore, 0]
  let firstRowAt: number | null = null

  const elapsed = (): number => (firstRowAt === null ? 0 : performance.now() - firstRowAt)
  const started = (): void => {
    firstRowAt ??= limits.milliseconds === null ? null : performance.now()
  }
  /** Where the next text row goes. */
  const spooled = (): Spooled => {
    const last = parts.at(-1)
    if (last !== undefined && 'spool' in last) return last
    const next = { spool: openSpool(join(engine.directory, `chunk-${number++}.ndjson`)), inputs: new Set<string>() }
    parts.push(next)
    return next
  }
  const restart = async (): Promise<void> => {
    for (const part of parts) {
      if (!('spool' in part)) continue
      await part.spool[Symbol.asyncDispose]()
      engine.copies.delete(part.spool.path)
    }
    parts = []
    rows = bytes = rejected = 0
    firstRowAt = null
  }
  return {
    append(json, input) {
      started()
      const { spool, inputs } = spooled()
      const before = spool.bytes
      spool.append(json)
      inputs.add(input)
      bytes += spool.bytes - before
      rows++
      consumed++
    },
    async drain() {
      const last = parts.at(-1)
      if (last !== undefined && 'spool' in last) await last.spool.drain()
    },
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
      const all: { select: string; file: string }[] = []
      for (const part of parts) {
        if ('spool' in part) {
          const { spool, inputs } = part
          await spool.finish()
          engine.copies.set(spool.path, [...inputs].join(', '))
          all.push({ select: spool.select(fields, derived), file: spool.path })
        } else all.push(part)
      }
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
