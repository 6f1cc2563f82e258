/** A SQLite node: a folder with one file per shard and `topology.db`, which holds the copies of topologies. */
import { randomUUID } from 'node:crypto'
import { existsSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Batch } from '../../../core/batch.ts'
import { durable } from '../../../core/durable.ts'
import { makeFolder } from '../../../core/files.ts'
import type { Json, JsonObject } from '../../../core/json.ts'
import { bucketColumn, keyColumns, parseTopology, type Shard, type Topology, topologyJson } from '../topology.ts'
import { shardMissing, tableExists } from './errors.ts'
import { checkHeld, type Held } from './held.ts'
import { physicalColumns, quoted } from './layout.ts'
import { countOfMark, type Filter, marks, type Node, type NodeFacts, type OnConflict, type Session } from './node.ts'
import { fromSqlite, sqliteCheck, sqliteType } from './sqlite-cells.ts'
import { inSqlite, inTransaction, openFile } from './sqlite-file.ts'
import { maintain } from './sqlite-maintain.ts'
import { marksTable, putMark, readMark } from './sqlite-marks.ts'
import { beginSqliteSession } from './sqlite-session.ts'

const topologyTable =
  'create table if not exists tblctl_topology (project text not null, name text not null, value text not null, primary key (project, name))'
const rowsInBatch = 2048

export function openSqliteNode(name: string, folder: string): Node {
  const place = `sqlite:${folder}`
  const topologyFile = join(folder, 'topology.db')
  const fileOf = (shard: Shard): string => join(folder, `${shard.name}.db`)
  const shardFile = (shard: Shard): string => {
    const file = fileOf(shard)
    if (!existsSync(file)) throw shardMissing(name, shard)
    return file
  }
  const reading = <T>(file: string, work: (db: DatabaseSync) => T, shard?: Shard): T =>
    inSqlite(
      name,
      () => {
        const db = openFile(file, { readOnly: true })
        try {
          return work(db)
        } finally {
          db.close()
        }
      },
      shard,
    )
  /** `step` names it for the fault harness. */
  const writing = async (file: string, step: string, work: (db: DatabaseSync) => void): Promise<void> => {
    inSqlite(name, () => makeFolder(folder))
    const db = inSqlite(name, () => openFile(file, {}))
    try {
      await inTransaction(name, db, () => work(db), {
        before: () => durable(`sharded-sql.${step}:before`),
        after: () => durable(`sharded-sql.${step}:after`),
      })
    } finally {
      db.close()
    }
  }

  const copyIn = (db: DatabaseSync, { project, table }: Topology): Topology | null => {
    const row = db.prepare('select value from tblctl_topology where project = ? and name = ?').get(project, table)
    return row ? parseTopology(JSON.parse(String(row.value)) as Json) : null
  }
  const held = (topology: Topology): Held =>
    existsSync(topologyFile)
      ? reading(topologyFile, (db) => ({
          node: hasTable(db, 'tblctl_node') ? nodeId(db) : null,
          copy: hasTable(db, 'tblctl_topology') ? copyIn(db, topology) : null,
        }))
      : { node: null, copy: null }
  const check = (topology: Topology): void => checkHeld(name, topology, held(topology))
  /** A shard of this very table. */
  const readingShard = <T>(topology: Topology, shard: Shard, work: (db: DatabaseSync) => T): T => {
    check(topology)
    return reading(shardFile(shard), work, shard)
  }

  return {
    name,
    place,
    transaction: 'shard',
    facts: async (): Promise<NodeFacts> => {
      const db = new DatabaseSync(':memory:')
      const { v } = db.prepare('select sqlite_version() as v').get() as { v: string }
      db.close()
      const missingRight = inSqlite(name, () => {
        makeFolder(folder)
        return null
      })
      return { version: `SQLite ${v}`, now: new Date(), missingRight }
    },
    copies: async () => {
      if (!existsSync(topologyFile)) return []
      return reading(topologyFile, (db) => {
        if (!hasTable(db, 'tblctl_topology')) return [] // a process was killed that made the file
        const rows = db.prepare('select value from tblctl_topology order by project, name').all()
        return rows.map((row) => parseTopology(JSON.parse(String(row.value)) as Json))
      })
    },
    identify: async () => {
      if (existsSync(topologyFile)) {
        const there = reading(topologyFile, (db) => (hasTable(db, 'tblctl_node') ? nodeId(db) : null))
        if (there !== null) return there
      }
      let id = ''
      await writing(topologyFile, 'node-id', (db) => {
        db.exec('create table if not exists tblctl_node (one integer primary key check (one = 1), id text not null)')
        db.prepare('insert or ignore into tblctl_node values (1, ?)').run(randomUUID())
        id = nodeId(db)!
      })
      return id
    },
    putCopy: (topology) =>
      writing(topologyFile, 'copy-put', (db) => {
        db.exec(topologyTable)
        const there = copyIn(db, topology)
        if (there && there.id !== topology.id) throw tableExists(name, there)
        if (there && there.epoch > topology.epoch) return
        db.prepare('insert or replace into tblctl_topology (project, name, value) values (?, ?, ?)').run(
          topology.project,
          topology.table,
          JSON.stringify(topologyJson(topology)),
        )
      }),
    removeCopy: async (topology) => {
      if (!existsSync(topologyFile)) return
      await writing(topologyFile, 'copy-remove', (db) => {
        const { id, project, table } = topology
        db.exec(topologyTable)
        if (copyIn(db, topology)?.id !== id) return
        db.prepare('delete from tblctl_topology where project = ? and name = ?').run(project, table)
      })
    },
    createShard: (topology, shard) =>
      writing(fileOf(shard), 'shard-create', (db) => {
        db.exec(marksTable)
        if (!hasTable(db, shard.name)) db.exec(shardDdl(topology, shard))
      }),
    dropShard: async (shard) => {
      const file = fileOf(shard)
      durable('sharded-sql.shard-drop:before')
      inSqlite(name, () => {
        // The file goes first: a -wal that were left alone would be taken for that of a new file of this name.
        for (const part of ['', '-wal', '-shm']) rmSync(`${file}${part}`, { force: true })
      })
      durable('sharded-sql.shard-drop:after')
    },
    held: async (topology) => held(topology),
    lacking: async (shards) =>
      shards.filter(
        (shard) => !existsSync(fileOf(shard)) || !reading(fileOf(shard), (db) => hasTable(db, shard.name), shard),
      ),
    addColumns: (topology, shard) =>
      writing(shardFile(shard), 'shard-columns', (db) => {
        check(topology)
        const there = new Set(
          db
            .prepare('select name from pragma_table_info(?)')
            .all(shard.name)
            .map((row) => String(row.name)),
        )
        for (const column of topology.columns)
          if (!there.has(column.name))
            db.exec(
              `alter table ${quoted(shard.name)} add column ${quoted(column.name)} ${sqliteType(column)}${sqliteCheck(column, quoted(column.name))}`,
            )
      }),
    measure: async (topology, shard) =>
      readingShard(topology, shard, (db) => {
        if (!hasTable(db, shard.name)) throw shardMissing(name, shard)
        const { n } = db.prepare(`select count(*) as n from ${quoted(shard.name)}`).get() as { n: number }
        const file = fileOf(shard)
        const wal = existsSync(`${file}-wal`) ? statSync(`${file}-wal`).size : 0
        return { rows: Number(n), bytes: statSync(file).size + wal }
      }),
    optimize: async (topology, shard) => {
      const file = shardFile(shard)
      const seen = readingShard(topology, shard, (db) => readMark(db, marks.writes))
      await maintain(name, file)
      await writing(file, 'optimize', (db) => putMark(db, marks.optimized, { count: countOfMark(seen) }))
    },
    marks: async (topology, shards, mark) => {
      const found = new Map<string, JsonObject>()
      check(topology)
      for (const shard of shards) {
        const value = reading(shardFile(shard), (db) => readMark(db, mark), shard)
        if (value) found.set(shard.name, value)
      }
      return found
    },
    read: (topology, shard, filter, signal) => {
      check(topology)
      return readShard(name, topology, shard, shardFile(shard), filter, signal)
    },
    begin: (topology, shards, onConflict: OnConflict): Promise<Session> => {
      const [shard] = shards
      check(topology)
      return beginSqliteSession(name, shardFile(shard!), topology, shard!, onConflict, () => check(topology))
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

const hasTable = (db: DatabaseSync, table: string): boolean =>
  db.prepare(`select 1 from sqlite_master where type = 'table' and name = ?`).get(table) !== undefined

function nodeId(db: DatabaseSync): string | null {
  const row = db.prepare('select id from tblctl_node').get()
  return row ? String(row.id) : null
}

function shardDdl(topology: Topology, { name, low, high }: Shard): string {
  const columns = physicalColumns(topology).map((column) => {
    const own = quoted(column.name)
    const range = column.name === bucketColumn ? ` CHECK (${own} BETWEEN ${low} AND ${high})` : ''
    return `${own} ${sqliteType(column)}${column.nullable ? '' : ' NOT NULL'}${sqliteCheck(column, own)}${range}`
  })
  const list = (names: readonly string[]): string => `(${names.map(quoted).join(', ')})`
  const keys = [`PRIMARY KEY ${list(keyColumns(topology))}`, ...topology.unique.map((names) => `UNIQUE ${list(names)}`)]
  return `CREATE TABLE ${quoted(name)} (${[...columns, ...keys].join(', ')}) STRICT`
}

async function* readShard(
  node: string,
  topology: Topology,
  shard: Shard,
  file: string,
  filter: Filter | null,
  signal: AbortSignal,
): AsyncGenerator<Batch> {
  const inShard = <T>(work: () => T): T => inSqlite(node, work, shard)
  const db = inShard(() => openFile(file, { readOnly: true }))
  try {
    const { columns } = topology
    const list = columns.map((column) => quoted(column.name)).join(', ')
    const where = filter ? ` where ${quoted(filter.column)} = ?` : ''
    const statement = inShard(() => {
      if (!hasTable(db, shard.name)) throw shardMissing(node, shard)
      return db.prepare(`select ${list} from ${quoted(shard.name)}${where}`)
    })
    statement.setReadBigInts(true)
    statement.setReturnArrays(true)
    const convert = columns.map(fromSqlite)
    const rows = statement.iterate(...(filter ? [filter.value] : [])) as unknown as IterableIterator<never[]>
    let cells = columns.map((): ReturnType<(typeof convert)[0]>[] => [])
    let count = 0
    for (;;) {
      const next = inShard(() => rows.next())
      if (!next.done) {
        for (let c = 0; c < convert.length; c++) cells[c]!.push(convert[c]!(next.value[c]!))
        count++
      }
      if (count === rowsInBatch || (next.done && count > 0)) {
        signal.throwIfAborted()
        yield { fields: columns, columns: cells, rows: count }
        cells = columns.map(() => [])
        count = 0
      }
      if (next.done) return
    }
  } finally {
    db.close()
  }
}
