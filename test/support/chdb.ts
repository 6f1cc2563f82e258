/**
 * The independent reader: ClickHouse with delta-kernel-rs in it, in a child process that is started once and asked many times.
 * Counts go through `SELECT *`, because its own shortcut trusts statistics.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('./chdb-program.ts', import.meta.url))

export interface Chdb extends AsyncDisposable {
  /** Rows as arrays, from JSON: turn 64-bit integers that no number holds into text. Throws with ClickHouse's message. */
  query(sql: string): Promise<unknown[][]>
  /** Rows and an order-independent hash over all columns of the Delta table in a folder. */
  content(folder: string): Promise<{ rows: number; hash: string }>
}

/** `folder`: absolute; every table that is asked for lies below it. */
export function startChdb(folder: string): Chdb {
  const child = spawn(process.execPath, ['--no-warnings', program, folder], {
    env: { PATH: process.env.PATH, HOME: folder, TMPDIR: folder },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let turn: Promise<unknown> = Promise.resolve()

  async function ask(sql: string): Promise<unknown[][]> {
    child.stdin.write(`${JSON.stringify(sql)}\n`)
    const line = await lines.next()
    if (line.done) throw new Error('chdb ended')
    const answer = JSON.parse(line.value) as { rows?: string[]; error?: string }
    if (answer.rows === undefined) throw new Error(answer.error)
    return answer.rows.map((row) => JSON.parse(row) as unknown[])
  }
  const chdb: Chdb = {
    query(sql) {
      const answer = turn.then(() => ask(sql))
      turn = answer.catch(() => undefined)
      return answer
    },
    async content(table) {
      const [row] = await chdb.query(
        `SELECT count(), toString(groupBitXor(h)), toString(sum(h)) FROM (SELECT cityHash64(formatRow('JSONCompactEachRow', *)) AS h FROM ${deltaTable(table)})`,
      )
      return { rows: Number(row![0]), hash: `${row![1]} ${row![2]}` }
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await ended
    },
  }
  return chdb
}

/** A FROM item of ClickHouse. */
export const deltaTable = (folder: string): string => `deltaLakeLocal('${folder.replace(/[\\']/g, '\\$&')}/')`
