/** The target of syncs: rows are replaced by key, and rows and checkpoint are one transaction. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DriverEnvironment } from '../../core/driver.ts'
import { fail } from '../../core/errors.ts'
import { canonicalJson, type Json } from '../../core/json.ts'
import { type Path, printable, refOfPath } from '../../core/ref.ts'
import type { Checkpoint, SyncTarget } from '../../core/sync.ts'
import type { Field } from '../../core/types.ts'
import { type Engine, openEngine } from '../../engine/engine.ts'
import { scanSql } from '../../engine/scan.ts'
import { quoteIdentifier } from '../../engine/sql-text.ts'
import { writeParquet } from '../../engine/write-parquet.ts'
import { mergeFields } from '../../verbs/merge-fields.ts'
import { requireSyncColumns } from '../../verbs/sync-columns.ts'
import { writeSegments } from './segments.ts'
import type { MemoryStore } from './store.ts'
import { findTable, refuseTypes, requireTable, shardOf } from './table.ts'

export function syncTarget(store: MemoryStore, environment: DriverEnvironment): SyncTarget {
  return {
    commits: 'transaction',
    async ensure({ path }, { fields, key, newest = null }) {
      const there = findTable(store, path)
      if (there && holdsRows(store, path)) requireSyncColumns(path, there.schema.fields, { key, newest })
      const schema = there?.schema ?? emptySchema(path.split('/').at(-1)!, key)
      const merged = there ? mergeFields(path, there.schema.fields, fields) : fields
      refuseTypes({ ...schema, fields: merged })
      const added = merged.slice(there?.schema.fields.length ?? 0).map((field) => field.name)
      const text = JSON.stringify({ ...schema, fields: merged })
      if (!there)
        store.write('sync-create', () =>
          store.run("insert into tables (path, schema, generation, job) values (?, ?, 1, 'sync')", path, text),
        )
      else if (text !== JSON.stringify(there.schema))
        store.write('sync-alter', () => store.run('update tables set schema = ? where path = ?', text, path))
      return { created: !there, added }
    },
    checkpoint: async ({ path }, sync) => readCheckpoint(store, path, sync),
    async write({ path }, { batch, key, newest }, from, to, ctx) {
      for (;;) {
        const table = requireTable(store, path)
        await using engine = await openEngine({ scratch: await environment.scratch(), signal: ctx.signal })
        await engine.append('incoming', batch)
        const ids = store
          .all('select id from segments where path = ? and generation = ? order by id', path, table.generation)
          .map((row) => Number(row.id))
        const merge = { engine, fields: table.schema.fields, key, newest }
        const touched = key.length > 0 ? await touchedSegments(store, ids, merge) : { ids: [], files: [] }
        const select = mergedSelect(touched.files, merge)
        const written = await writeParquet(engine, select, join(engine.directory, 'merged.parquet'), {
          fields: table.schema.fields,
          compression: 'zstd',
        })
        const data = await readFile(written.path)
        const segment = written.rows > 0 ? { rows: written.rows, data } : null
        const done = swap(store, path, table.generation, touched.ids, segment, from, to)
        if (done !== 'again') return done
        ctx.signal.throwIfAborted()
        await sleep(20) // segments were merged, or a reshard is switching
      }
    },
  }
}

/** Or has held some of a sync. */
const holdsRows = (store: MemoryStore, path: Path): boolean =>
  store.get(
    'select 1 as there where exists (select 1 from segments where path = ?1) or exists (select 1 from checkpoints where path = ?1)',
    path,
  ) !== undefined

const emptySchema = (name: string, primaryKey: readonly string[]) => ({
  name,
  version: 1,
  description: null,
  fields: [] as readonly Field[],
  partitions: [],
  sortingColumns: [],
  zOrderColumns: [],
  primaryKey,
  timeColumn: null,
  retention: null,
  dedupKeys: [],
  dedupTiebreak: null,
  tombstoneColumn: null,
  versionAppend: false,
  extensions: {},
})

interface Merge {
  readonly engine: Engine
  readonly fields: readonly Field[]
  readonly key: readonly string[]
  readonly newest: string | null
}

/** Segments that hold a row of an incoming key. */
async function touchedSegments(store: MemoryStore, ids: readonly number[], { engine, fields, key }: Merge) {
  const on = key.map((name) => quoteIdentifier(name)).join(', ')
  const touched: { ids: number[]; files: string[] } = { ids: [], files: [] }
  for (const id of ids) {
    const files = await writeSegments(store, [id], engine.directory)
    const [row] = await engine.all(
      `SELECT count(*) AS n FROM (${scanOf(files, fields)}) SEMI JOIN incoming USING (${on})`,
    )
    if (Number(row!.n) === 0) continue
    touched.ids.push(id)
    touched.files.push(...files)
  }
  return touched
}

const scanOf = (files: readonly string[], fields: readonly Field[]): string =>
  scanSql({ files: files.map((path) => ({ path, partitionValues: {} })), fields, partitions: [] })

/** Per key the newest row; of equal ones the incoming. */
function mergedSelect(files: readonly string[], { fields, key, newest }: Merge): string {
  const columns = fields.map((field) => quoteIdentifier(field.name)).join(', ')
  const all = `SELECT ${columns}, 0 AS "merge.incoming" FROM (${scanOf(files, fields)})
    UNION ALL BY NAME SELECT *, 1 AS "merge.incoming" FROM incoming`
  if (key.length === 0) return `SELECT ${columns} FROM (${all}) WHERE "merge.incoming" = 1`
  const by = key.map((name) => quoteIdentifier(name)).join(', ')
  const order = newest === null ? '' : `${quoteIdentifier(newest)} DESC NULLS LAST, `
  return `SELECT ${columns} FROM (${all}) QUALIFY row_number() OVER (PARTITION BY ${by} ORDER BY ${order}"merge.incoming" DESC) = 1`
}

function readCheckpoint(store: MemoryStore, path: Path, sync: string): Checkpoint | null {
  const row = store.get('select sync, value from checkpoints where path = ?', path)
  if (row === undefined) return null
  if (row.sync === sync) return JSON.parse(row.value as string) as Checkpoint
  throw fail('refused', 'other-sync', `${refOfPath(path)} is the target of sync ${printable(row.sync as string)}`, {
    hint: 'give each sync a target table of its own',
  })
}

/** Segments and checkpoint in one transaction. `again`: the table is not as it was read. */
function swap(
  store: MemoryStore,
  path: Path,
  generation: number,
  touched: readonly number[],
  segment: { readonly rows: number; readonly data: Uint8Array } | null,
  from: Checkpoint | null,
  to: Checkpoint,
): 'committed' | 'fenced' | 'moved' | 'again' {
  return store.write('sync-page', () => {
    const stored = readCheckpoint(store, path, to.sync)
    if (stored !== null && stored.fence > to.fence) return 'fenced'
    if (canonicalJson(stored as unknown as Json) !== canonicalJson(from as unknown as Json)) return 'moved'
    const table = requireTable(store, path)
    const ids = JSON.stringify(touched)
    const there = store.get(
      'select count(*) as n from segments where path = ? and id in (select value from json_each(?))',
      path,
      ids,
    )!
    if (table.sealed || table.generation !== generation || Number(there.n) !== touched.length) return 'again'
    // What a reshard has copied of them goes too: it copies the new segment instead.
    store.run(
      'delete from segments where path = ?1 and (id in (select value from json_each(?2)) or origin in (select value from json_each(?2)))',
      path,
      ids,
    )
    if (segment !== null) {
      const { id } = store.get(
        'insert into segments (path, generation, shard, hot, rows, bytes, data) values (?, ?, 0, 1, ?, ?, ?) returning id',
        path,
        generation,
        segment.rows,
        segment.data.length,
        segment.data,
      )!
      store.run('update segments set shard = ? where id = ?', shardOf(Number(id), table.shards), id!)
    }
    store.run(
      'insert or replace into checkpoints (path, sync, value) values (?, ?, ?)',
      path,
      to.sync,
      JSON.stringify(to),
    )
    return 'committed'
  })
}
