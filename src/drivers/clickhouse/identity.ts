/**
 * Whose a table is: a small JSON document in the table's COMMENT. The name only says where it was put; the comment says what it is, and
 * goes with the table through RENAME and EXCHANGE. `CREATE TABLE … AS` clones comments, so ours are always written explicitly.
 */
import { z } from 'zod'

const identityShape = z.object({
  /** Version of this document. */
  tblctl: z.literal(1),
  project: z.string().min(1),
  table: z.string().min(1),
  /** Name of the table schema; null when the table was not made from one. */
  schema: z.string().nullable(),
  kind: z.enum(['table', 'rollup', 'view']),
  /** Of the definition that it was made from (ddl.ts): what differs from it now has drifted. */
  hash: z.string(),
  /** The tenant as it was given, where the project's name is an encoding of it. */
  id: z.string().optional(),
  /** Declared types of columns whose ClickHouse type says less (types.ts). */
  types: z.record(z.string(), z.string()).optional(),
  /** When it was put into the trash, RFC 3339. */
  trashed: z.string().optional(),
})
export type Identity = z.infer<typeof identityShape>

/** Members always in the same order: equal identities are equal comments. */
export function formatIdentity({ tblctl, project, table, schema, kind, hash, id, types, trashed }: Identity): string {
  return JSON.stringify({ tblctl, project, table, schema, kind, hash, id, types, trashed })
}

/** Undefined for the comment of a table that is not ours. */
export function parseIdentity(comment: string): Identity | undefined {
  if (!comment.startsWith('{')) return undefined
  try {
    const { data } = identityShape.safeParse(JSON.parse(comment))
    return data
  } catch {
    return undefined
  }
}
