/**
 * A user's rows as of one moment, for the engine: the hot rows spooled to a file, the segments linked beside it. Whoever removes a segment
 * meanwhile takes away its name only.
 */
import { copyFile, link, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fail } from '../../core/errors.ts'
import { printable, refOfPath } from '../../core/ref.ts'
import { type Engine, readingFiles } from '../../engine/engine.ts'
import { scanSql } from '../../engine/scan.ts'
import { quoteIdentifier, quotePath } from '../../engine/sql-text.ts'
import { systemFields, versionFields } from './definition.ts'
import { segmentProblem } from './origin.ts'
import { segmentKey } from './segments.ts'
import { spoolLines } from './spool.ts'
import type { HotStore } from './store.ts'
import { findUser, type Home, type User, type UserTable } from './table.ts'
import { textSql } from './types.ts'

export interface Snapshot extends AsyncDisposable {
  /** Null: no row of this user was ever written. */
  readonly user: User | null
  readonly hotRows: number
  /** Numbers of the segments. */
  readonly segments: readonly number[]
  /** Absolute paths of all that the selects open. */
  readonly files: readonly string[]
  /** How messages call them where they are links or copies (Engine.copies). */
  readonly copies: ReadonlyMap<string, string>
  /** SELECT of every version of every row: the table's columns, the system columns, `_seq` and `_key`. */
  readonly versions: string
  /** SELECT of the rows that are there, in their newest version. */
  rows(columns: readonly string[]): string
}

export interface Parts {
  readonly hot: boolean
  readonly cold: boolean
}

const attempts = 10

/** Work of an engine on the snapshot's files; a damaged one is called what its user's folder calls it. */
export async function readingSnapshot<T>(engine: Engine, snapshot: Snapshot, work: () => Promise<T>): Promise<T> {
  for (const [path, name] of snapshot.copies) engine.copies.set(path, name)
  try {
    return await readingFiles(engine, snapshot.files, work)
  } finally {
    for (const path of snapshot.copies.keys()) engine.copies.delete(path)
  }
}

export async function openSnapshot(
  home: Home,
  table: UserTable,
  name: string,
  parts: Parts = { hot: true, cold: true },
): Promise<Snapshot> {
  const scratch = await home.environment.scratch()
  await mkdir(scratch, { recursive: true })
  const folder = await mkdtemp(join(scratch, 'rows-'))
  const close = () => rm(folder, { recursive: true, force: true })
  try {
    for (let attempt = 1; ; attempt++) {
      const spool = join(folder, `hot-${attempt}.ndjson`)
      const found = home.store.read(() => readMoment(home.store, table, name, parts, spool))
      const copies = await linkSegments(home, table, name, found.cold, folder)
      if (copies !== undefined) {
        const segments = found.cold.map(({ number }) => number)
        const parts = selects(table, found, [...copies.keys()], spool)
        return { ...found, segments, copies, ...parts, [Symbol.asyncDispose]: close }
      }
      if (attempt === attempts)
        throw fail('data', 'segment-missing', `a segment of ${refOfPath(table.path)} is gone`, {
          where: home.locations.of(table, name).prefix,
          hint: 'bring the file back from a backup',
        })
    }
  } catch (error) {
    await close()
    throw error
  }
}

interface Segment {
  readonly number: number
  readonly bytes: number
  readonly mark: string | null
}
interface Moment {
  readonly user: User | null
  readonly cold: readonly Segment[]
  readonly hotRows: number
  /** Bytes of the longest line of the spool. */
  readonly longest: number
}

function readMoment(store: HotStore, table: UserTable, name: string, parts: Parts, spool: string): Moment {
  const user = findUser(store, table, name) ?? null
  if (user === null) return { user, cold: [], hotRows: 0, longest: 0 }
  const cold = parts.cold
    ? store
        .all('select number, bytes, mark from segments where user_id = ? order by number', user.id)
        .map(({ number, bytes, mark }) => ({
          number: Number(number),
          bytes: Number(bytes),
          mark: mark as string | null,
        }))
    : []
  const { rows: hotRows, longest } = parts.hot ? spoolLines(spool, hotLines(store, user)) : { rows: 0, longest: 0 }
  return { user, cold, hotRows, longest }
}

/** A line is `{k: key, s: sequence, u: milliseconds, d: deleted, c: [text of each cell]}`. */
function* hotLines(store: HotStore, user: User): Iterable<string> {
  for (const row of store.each('select * from hot_rows where user_id = ?', user.id)) {
    const { key, sequence, updated, deleted, cells } = row
    yield `{"k":${JSON.stringify(key)},"s":${sequence},"u":${updated},"d":${deleted === 1},"c":${cells}}`
  }
}

/** Linked file → the user's own; undefined when one of them was merged away meanwhile. */
async function linkSegments(
  home: Home,
  table: UserTable,
  name: string,
  segments: readonly Segment[],
  folder: string,
): Promise<Map<string, string> | undefined> {
  const { store, prefix } = home.locations.of(table, name)
  const files = new Map<string, string>()
  for (const segment of segments) {
    const to = join(folder, `batch-${segment.number}.parquet`)
    const from = store.localPath(segmentKey(prefix, segment.number))!
    try {
      await linkOrCopy(from, to)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return undefined
      if (code !== 'EEXIST') throw error // linked by an earlier attempt: a number names one file for ever
    }
    const problem = await segmentProblem(to, segment)
    if (problem !== null)
      throw fail('data', 'wrong-segment', `a segment of ${refOfPath(table.path)} ${problem}`, {
        where: printable(from),
        hint: 'bring the file back from a backup',
      })
    files.set(to, from)
  }
  return files
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EXDEV' && code !== 'EPERM' && code !== 'ENOTSUP') throw error
    await copyFile(from, to)
  }
}

function selects(table: UserTable, moment: Moment, segments: readonly string[], spool: string) {
  const fields = [...table.fields, ...systemFields, ...versionFields]
  const cold = scanSql({ files: segments.map((path) => ({ path, partitionValues: {} })), fields, partitions: [] })
  const hot = moment.hotRows > 0 ? hotSelect(table, spool, moment.longest) : null
  const versions = hot === null ? cold : segments.length === 0 ? hot : `${hot} UNION ALL ${cold}`
  // One version of each row only: nothing to choose from.
  const single = (hot === null ? 0 : 1) + segments.length <= 1
  const newest = single ? versions : newestOf(versions)
  return {
    files: [...segments, ...(hot === null ? [] : [spool])],
    versions,
    rows: (columns: readonly string[]) =>
      `SELECT ${columns.map(quoteIdentifier).join(', ')} FROM (${newest}) WHERE NOT "_deleted"`,
  }
}

/** The newest version of each row, deleted ones too. */
export const newestOf = (versions: string): string =>
  `SELECT * FROM (${versions}) QUALIFY row_number() OVER (PARTITION BY "_key" ORDER BY "_seq" DESC) = 1`

function hotSelect({ fields }: UserTable, path: string, longest: number): string {
  const cells = fields.map(({ name, type }, i) => `${textSql(type, `h.c[${i + 1}]`)} AS ${quoteIdentifier(name)}`)
  const system = ['CAST(make_timestamp(h.u * 1000) AS TIMESTAMP) AS "_updated"', 'h.d AS "_deleted"']
  const version = ['h.s AS "_seq"', 'h.k AS "_key"']
  const columns = "{k: 'VARCHAR', s: 'BIGINT', u: 'BIGINT', d: 'BOOLEAN', c: 'VARCHAR[]'}"
  return (
    `SELECT ${[...cells, ...system, ...version].join(', ')} FROM read_json(${quotePath(path)}, columns = ${columns}, ` +
    `format = 'newline_delimited', auto_detect = false, maximum_object_size = ${Math.max(longest + 1, 1024 * 1024)}) AS h`
  )
}
