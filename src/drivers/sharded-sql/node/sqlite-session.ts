/** One transaction in the file of a SQLite shard. */
import type { SQLInputValue } from 'node:sqlite'
import type { Cell } from '../../../core/batch.ts'
import { durable } from '../../../core/durable.ts'
import { type Column, keyColumns, type Shard, type Topology } from '../topology.ts'
import { physicalColumns, physicalRow, quoted } from './layout.ts'
import { countOfMark, marks, type OnConflict, patienceMs, type Session } from './node.ts'
import { toSqlite } from './sqlite-cells.ts'
import { beginImmediate, explained, inSqlite, openFile } from './sqlite-file.ts'
import { putMark, readMark } from './sqlite-marks.ts'
import { upsertClause } from './upsert.ts'

export async function beginSqliteSession(
  node: string,
  file: string,
  topology: Topology,
  shard: Shard,
  onConflict: OnConflict,
  check: () => void,
): Promise<Session> {
  const columns = physicalColumns(topology)
  const convert = columns.map(toSqlite)
  const db = inSqlite(node, () => openFile(file, {}), shard)
  let written = false
  try {
    await beginImmediate(node, db, patienceMs)
    // Again under the lock: it may have been long.
    check()
  } catch (error) {
    db.close()
    throw error
  }
  const insert = inSqlite(node, () => db.prepare(insertSql(topology, shard, columns, onConflict)))
  return {
    shards: [shard],
    mark: async (_shard, name) => inSqlite(node, () => readMark(db, name)),
    setMark: async (_shard, name, value) => inSqlite(node, () => putMark(db, name, value)),
    write: async (rows) => {
      written ||= rows.rows.length > 0
      for (const row of rows.rows) {
        const cells = physicalRow(rows, row)
        try {
          insert.run(...cells.map((cell, i): SQLInputValue => convert[i]!(cell)))
        } catch (error) {
          throw explained(node, error, { key: () => keyText(topology, columns, cells), shard })
        }
      }
    },
    settle: async () => {
      if (!written) return
      inSqlite(node, () => putMark(db, marks.writes, { count: countOfMark(readMark(db, marks.writes)) + 1 }))
    },
    commit: async () => {
      durable('sharded-sql.rows:before')
      inSqlite(node, () => db.exec('commit'))
      durable('sharded-sql.rows:after')
    },
    [Symbol.asyncDispose]: async () => {
      if (!db.isOpen) return
      if (db.isTransaction) db.exec('rollback')
      db.close()
    },
  }
}

function insertSql(topology: Topology, shard: Shard, columns: readonly Column[], onConflict: OnConflict): string {
  const names = columns.map((column) => quoted(column.name)).join(', ')
  const values = columns.map(() => '?').join(', ')
  const clause = onConflict === 'error' ? '' : upsertClause(topology, shard, onConflict.newest)
  return `insert into ${quoted(shard.name)} (${names}) values (${values})${clause}`
}

function keyText(topology: Topology, columns: readonly Column[], cells: readonly Cell[]): string {
  return keyColumns(topology)
    .map((name) => `${name}=${String(cells[columns.findIndex((column) => column.name === name)])}`)
    .join(', ')
}
