/**
 * A merge: rows take the place of those of their key. Files that hold such a row are written again without it (copy-on-write), the rows that
 * come go into files of their own, and all other files stay as they are.
 */

import { fail } from '../../../core/errors.ts'
import type { ReadContext } from '../../../core/operation.ts'
import { type Engine, readingFiles } from '../../../engine/engine.ts'
import { quoteIdentifier } from '../../../engine/sql-text.ts'
import { discard } from '../files/data-file.ts'
import { writeRows } from '../files/write-rows.ts'
import type { Add } from '../log/actions.ts'
import { partitionValuesOf } from '../log/column-mapping.ts'
import type { CommitRequest } from '../log/commit-request.ts'
import { type LiveFile, removeOf } from '../log/replay.ts'
import { type DeltaTable, type Lake, scanFiles, storedFields } from '../table.ts'
import { findHits, type Hit, isLive } from './merge-hits.ts'
import { keyTable, type MergeRows, sameKey } from './merge-rows.ts'

/** Files that are in place, and what a commit of them means. */
export interface StagedMerge {
  readonly hits: readonly Hit[]
  readonly adds: readonly Add[]
  readonly rowsInserted: number
  readonly rowsUpdated: number
  /** Rows of the table that shared a key with another row of it: one of a key is left. */
  readonly duplicatesRemoved: number
  readonly rowsCopied: number
}

/** Files of one partition that are written again together become one. */
const groupBytes = 128_000_000
const groupFiles = 16
/** As they are in the files. */
const rowGroupBytes = 4_000_000
const mostGroupRows = 122_880
const leastGroupRows = 2048

/** When it throws, nothing of it is left in the table's folder. */
export async function stageMerge(
  lake: Lake,
  engine: Engine,
  table: DeltaTable,
  rows: MergeRows,
  ctx: ReadContext,
): Promise<StagedMerge> {
  const { hits, keys } = await findHits(lake, engine, table, table.snapshot.files.values(), rows, ctx)
  const replaced = hits.reduce((sum, hit) => sum + hit.rows, 0)
  const adds: Add[] = []
  try {
    let rowsCopied = 0
    for (const group of groupsOf(table, hits)) {
      ctx.signal.throwIfAborted()
      const kept = await rewrite(lake, engine, table, group, rows, ctx)
      adds.push(...kept.adds)
      rowsCopied += kept.rows
    }
    const [wanted] = await engine.all(`SELECT count(*) AS n FROM ${keyTable}`)
    const incoming = Number(wanted!.n)
    if (incoming > 0) {
      const written = await writeRows(engine, table, rows.select, { dataChange: true, fields: rows.fields })
      adds.push(...written.adds)
      if (written.rows !== incoming) throw unverified(table, incoming, written.rows)
    }
    return {
      hits,
      adds,
      rowsInserted: incoming - keys,
      rowsUpdated: keys,
      duplicatesRemoved: replaced - keys,
      rowsCopied,
    }
  } catch (error) {
    await discard(table, adds).catch(() => {})
    throw error
  }
}

/** The files without the rows that are replaced. */
async function rewrite(
  lake: Lake,
  engine: Engine,
  table: DeltaTable,
  group: readonly Hit[],
  rows: MergeRows,
  ctx: ReadContext,
): Promise<{ readonly adds: readonly Add[]; readonly rows: number }> {
  const fields = storedFields(table.snapshot)
  await using scan = await scanFiles(
    lake,
    table,
    group.map(({ file }) => file),
    fields,
    ctx,
  )
  for (const [path, name] of scan.names) engine.copies.set(path, name)
  return await readingFiles(engine, scan.paths, async () => {
    const [there] = await engine.all(`SELECT count(*) AS n FROM (${scan.select})`)
    const kept = Number(there!.n) - group.reduce((sum, hit) => sum + hit.rows, 0)
    if (kept === 0) return { adds: [], rows: 0 }
    const list = fields.map(({ name }) => `t.${quoteIdentifier(name)}`).join(', ')
    const select = `SELECT ${list} FROM (${scan.select}) AS t ANTI JOIN ${keyTable} AS k ON ${sameKey(rows, 't', 'k')}`
    const partition = partitionValuesOf(table.snapshot, group[0]!.file)
    const bytes = group.reduce((sum, { file }) => sum + file.size, 0)
    const rowGroupRows = rowsOfGroup(bytes / Number(there!.n))
    const written = await writeRows(engine, table, select, { dataChange: true, partition, rowGroupRows })
    if (written.rows === kept) return written
    await discard(table, written.adds)
    throw unverified(table, kept, written.rows)
  })
}

/** The engine holds a row group for each of its threads, so wide rows come in smaller ones. */
const rowsOfGroup = (bytesOfRow: number): number =>
  Math.round(Math.min(mostGroupRows, Math.max(leastGroupRows, rowGroupBytes / bytesOfRow)))

function groupsOf({ snapshot }: DeltaTable, hits: readonly Hit[]): readonly (readonly Hit[])[] {
  const partitions = Map.groupBy(hits, ({ file }) => JSON.stringify(partitionValuesOf(snapshot, file)))
  return [...partitions.values()].flatMap((members) => {
    const groups: Hit[][] = []
    let bytes = 0
    for (const hit of members) {
      const last = groups.at(-1)
      bytes += hit.file.size
      if (last !== undefined && last.length < groupFiles && bytes <= groupBytes) last.push(hit)
      else {
        groups.push([hit])
        bytes = hit.file.size
      }
    }
    return groups
  })
}

/** That what was made of the table as it was is right for it as it is now: its inputs are there, and no row that came since has one of the keys. */
export async function stillRight(
  lake: Lake,
  engine: Engine,
  staged: StagedMerge,
  before: DeltaTable,
  now: DeltaTable,
  rows: MergeRows,
  ctx: ReadContext,
): Promise<boolean> {
  if (!staged.hits.every((hit) => isLive(now, hit))) return false
  const fresh: LiveFile[] = []
  for (const [key, file] of now.snapshot.files) if (!before.snapshot.files.has(key)) fresh.push(file)
  const { hits } = await findHits(lake, engine, now, fresh, rows, ctx)
  return hits.length === 0
}

/** The commit's part that is the merge; a blind append of one of the keys would go unnoticed by a commit that depends on its inputs alone. */
export function mergeCommit(
  staged: StagedMerge,
  { key }: MergeRows,
  now: Date,
): Pick<CommitRequest, 'kind' | 'actions'> & { readonly parameters: Readonly<Record<string, string>> } {
  const { hits, adds } = staged
  return {
    kind: 'replace',
    actions: [
      ...hits.map(({ file }) => ({ remove: removeOf(file, now.getTime(), true) })),
      ...adds.map((add) => ({ add })),
    ],
    parameters: {
      predicate: key.map(({ name }) => `target.${name} = source.${name}`).join(' AND '),
      matchedPredicates: '[{"actionType":"update"}]',
      notMatchedPredicates: '[{"actionType":"insert"}]',
    },
  }
}

const unverified = ({ location }: DeltaTable, wanted: number, written: number): Error =>
  fail(
    'failed',
    'verification-failed',
    `${wanted} rows were to be written and ${written} were; the table was left as it is`,
    {
      where: location.url,
    },
  )
