/**
 * The ports of a sync: rows stream from a source's table into a target's, page by page in the order of a time column and a key. The engine
 * (src/sync) is the Operation; drivers give it two narrow ports. What was written is what the target's checkpoint says, and nothing else is.
 */
import type { Batch } from './batch.ts'
import type { JsonObject } from './json.ts'
import type { ReadContext, Subject } from './operation.ts'
import type { Field } from './types.ts'

/**
 * After which row the next page begins. Times are exact text with microseconds, keys exact text in the order of the key's columns; both are
 * compared by the source alone. Rows whose time is NULL have a lane of their own, in the order of the key.
 */
export interface Cursor {
  readonly lane: 'time' | 'null'
  /** Null: before the first row. */
  readonly time: string | null
  /** Null: before the first key of this time. */
  readonly key: readonly string[] | null
  /** The engine's own: how many rows of this time were read, up to this one. Sources pass it over. */
  readonly rows?: number
}

/** Which rows of a source are synced. */
export interface SourceTable {
  readonly dataset: string
  readonly table: string
  /** A modification time, or the source is declared append-only. */
  readonly timestampColumn: string
  /** Null: all. The time column and the key are always read. */
  readonly columns: readonly string[] | null
  /** Null: the source's own primary key; a source without one must be append-only. */
  readonly key: readonly string[] | null
  readonly appendOnly: boolean
}

export interface SourceFacts {
  /** Of the wanted columns, in the order in which pages bring them. */
  readonly fields: readonly Field[]
  /** Columns that tell rows apart; [] when the source knows none: then the driver breaks ties by the whole row. */
  readonly key: readonly string[]
  /** Changes when rows do, and costs nothing to ask; null when the source has no such thing. */
  readonly marker: string | null
  /** The source's clock, as exact text with microseconds. */
  readonly highWater: string
  /** Names this very table: another one after it was dropped and made again. Absent when the source cannot tell. */
  readonly identity?: string
}

export interface Page {
  /** No rows: there are none left below `until`. */
  readonly batch: Batch
  /** After the last row of the batch. */
  readonly next: Cursor
  readonly more: boolean
  /** What the source charges for; null when it does not say. */
  readonly billedBytes: number | null
}

export interface SyncSource {
  /** Throws `missing` for a table that is not there, `data` for a time column or key that cannot be a cursor. */
  inspect(table: SourceTable, ctx: ReadContext): Promise<SourceFacts>
  /** Whole rows in order, at most `rows`, and fewer once they come to `bytes`; every row of equal time and key in one page. */
  page(
    table: SourceTable,
    facts: SourceFacts,
    from: Cursor,
    until: string,
    limit: { readonly rows: number; readonly bytes: number },
    ctx: ReadContext,
  ): Promise<Page>
  /** How many rows the pages from here to `until` would bring. */
  count(table: SourceTable, facts: SourceFacts, from: Cursor, until: string, ctx: ReadContext): Promise<number>
}

/** What the target knows of a sync. Written with the rows, or directly after them where the target has no transaction. */
export interface Checkpoint {
  /** Id of the sync. */
  readonly sync: string
  readonly cursor: Cursor
  /** The time lane is whole up to here; null before its first pass. */
  readonly watermark: string | null
  /** Of the job that wrote it: a target refuses a lower one than it has. */
  readonly fence: number
  /** Rises by one with every write. */
  readonly sequence: number
  readonly recordsIngested: number
}

export interface SyncTarget {
  /**
   * How rows and checkpoint are made one. `transaction`: both or none. `upsert`: rows first, then the checkpoint; rows that come again
   * replace themselves.
   */
  readonly commits: 'transaction' | 'upsert'
  /** To replace rows costs much more than to append them: those of append-only sources are read once and come without a key. */
  readonly appends?: boolean
  /**
   * Makes the table, or adds columns that are missing. Throws `refused` for what would need a rewrite, naming the column, and
   * `sync-column-lost` where a column of the key, or `newest` (the time column, as in `write`), is missing beside rows that are there.
   */
  ensure(
    table: Subject,
    shape: { readonly fields: readonly Field[]; readonly key: readonly string[]; readonly newest?: string | null },
    ctx: ReadContext,
  ): Promise<{ readonly created: boolean; readonly added: readonly string[] }>
  /** Null: no row of this sync was written, or there is no table. Throws `refused` when the table has the checkpoint of another sync. */
  checkpoint(table: Subject, sync: string, ctx: ReadContext): Promise<Checkpoint | null>
  /**
   * Rows and `to`. Rows of a key that is there replace it, unless what is there is newer by `newest` (the time column). `moved`: the stored
   * checkpoint is not `from`; `fenced`: it has a higher fence. Then nothing was written.
   */
  write(
    table: Subject,
    /** Without a key rows are added. */
    page: { readonly batch: Batch; readonly key: readonly string[]; readonly newest: string | null },
    from: Checkpoint | null,
    to: Checkpoint,
    ctx: ReadContext,
  ): Promise<'committed' | 'fenced' | 'moved'>
}

/** What `sync status` tells from the catalog alone: the last checkpoint that this machine saw. */
export interface SyncFacts extends JsonObject {
  readonly phase: 'initial' | 'catchup' | 'steady'
  readonly lastTimestamp: string | null
  readonly lagSeconds: number | null
  readonly recordsIngested: number
  readonly batchSize: number
  /** Time of the first row that waits: it is younger than the lag, or newer than the source's clock. Null: none does. */
  readonly nextTimestamp: string | null
}
