/** An order-independent hash over all columns: equal for equal multisets of rows, whatever the files, row groups and order. */
import type { Field } from '../core/types.ts'
import type { Engine } from './engine.ts'
import { quoteIdentifier } from './sql-text.ts'

export interface ContentHash {
  readonly rows: number
  /** Sum of the rows' 64-bit hashes, exact decimal text. Comparable between runs of one engine version only. */
  readonly hash: string
}

/** `select` yields the fields; their order and types are part of the hash. */
export async function contentHash(engine: Engine, select: string, fields: readonly Field[]): Promise<ContentHash> {
  const columns = fields.map((f) => quoteIdentifier(f.name)).join(', ')
  const [row] = await engine.all(
    `SELECT count(*) AS rows, coalesce(sum(hash(${columns})), 0)::VARCHAR AS hash FROM (${select})`,
  )
  return { rows: Number(row!.rows), hash: String(row!.hash) }
}
