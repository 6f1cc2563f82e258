/** scan: every table of the store, one query. */
import { createHash } from 'node:crypto'
import type { Observed } from '../../core/driver.ts'
import type { MemoryStore } from './store.ts'

export async function* scan(store: MemoryStore, backend: string, project: string | undefined): AsyncIterable<Observed> {
  const rows = store.all(
    `select tables.path, tables.schema, tables.generation, count(segments.id) as segments, coalesce(sum(segments.rows), 0) as rows,
       coalesce(sum(segments.bytes), 0) as bytes, coalesce(sum(segments.hot), 0) as hot, coalesce(max(segments.id), 0) as newest
     from tables left join segments on segments.path = tables.path and segments.generation = tables.generation
     where substr(tables.path, 1, length(?1)) = ?1 group by tables.path order by tables.path`,
    `${project === undefined ? backend : `${backend}/${project}`}/`,
  )
  for (const row of rows)
    yield {
      path: row.path as string,
      location: null,
      marker: `${row.generation}.${row.segments}.${row.newest}.${row.hot}`,
      schemaHash: createHash('sha256')
        .update(row.schema as string)
        .digest('hex')
        .slice(0, 16),
      facts: {
        files: Number(row.segments),
        rows: Number(row.rows),
        bytes: Number(row.bytes),
        hotSegments: Number(row.hot),
      },
    }
}
