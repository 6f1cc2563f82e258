/**
 * `manifest.json` beside a user's segments: which there are, with rows, bytes, bounds and sequence numbers, and whose they are. It is written after the hot store's
 * transaction, for other programs and for the day on which the hot store is lost; `users.published` says how far it is.
 */
import { refOfPath, segmentsOf } from '../../core/ref.ts'
import type { HotStore, Row } from './store.ts'
import type { Home, User, UserTable } from './table.ts'

export const manifestKey = (prefix: string): string => `${prefix}/manifest.json`

/** Brings the manifest up to date; nothing is written when it is. */
export async function publishManifest(home: Home, table: UserTable, user: User, now: Date): Promise<void> {
  const { store, prefix } = home.locations.of(table, user.name)
  for (;;) {
    const found = home.store.read(() => readManifest(home.store, table, user, now))
    if (found === null) return
    await store.put(manifestKey(prefix), new TextEncoder().encode(`${JSON.stringify(found.manifest, null, 2)}\n`))
    home.store.write('manifest', () =>
      home.store.run(
        'update users set published = ? where id = ? and published < ?',
        found.version,
        user.id,
        found.version,
      ),
    )
  }
}

function readManifest(store: HotStore, table: UserTable, user: User, now: Date) {
  const row = store.get('select version, published from users where id = ?', user.id)
  if (!row || row.version === row.published) return null
  const { project, table: name } = segmentsOf(table.path)
  const segments = store.all('select * from segments where user_id = ? order by number', user.id)
  return {
    version: Number(row.version),
    manifest: {
      table_id: `${project}.${name}`,
      ref: refOfPath(table.path),
      store: store.id(),
      user_id: user.name,
      version: Number(row.version),
      created_at: Date.parse(table.createdAt),
      updated_at: now.getTime(),
      segments: segments.map(segmentEntry),
      last_sequence_number: Math.max(0, ...segments.map((segment) => Number(segment.max_sequence))),
    },
  }
}

const segmentEntry = (segment: Row) => ({
  id: Number(segment.number),
  path: `batch-${segment.number}.parquet`,
  column_stats: JSON.parse(segment.statistics as string) as object,
  min_seq: Number(segment.min_sequence),
  max_seq: Number(segment.max_sequence),
  row_count: Number(segment.rows),
  tombstones: Number(segment.tombstones),
  size_bytes: Number(segment.bytes),
  created_at: Date.parse(segment.created_at as string),
  schema_version: 1,
  status: 'committed',
})
