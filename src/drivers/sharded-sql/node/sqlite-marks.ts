/** The table of marks that stands beside the rows in a shard's file. */
import type { DatabaseSync } from 'node:sqlite'
import type { JsonObject } from '../../../core/json.ts'

export const marksTable =
  'create table if not exists tblctl_marks (name text primary key, value text not null) without rowid'

export function readMark(db: DatabaseSync, name: string): JsonObject | null {
  const row = db.prepare('select value from tblctl_marks where name = ?').get(name)
  return row ? (JSON.parse(String(row.value)) as JsonObject) : null
}

export function putMark(db: DatabaseSync, name: string, value: JsonObject): void {
  db.prepare('insert or replace into tblctl_marks (name, value) values (?, ?)').run(name, JSON.stringify(value))
}
