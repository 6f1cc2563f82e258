/** The rows of a PostgreSQL shard, by COPY, at one moment in which the node holds this very table. */
import type { PoolClient } from 'pg'
import type { Batch, Cell } from '../../../core/batch.ts'
import type { Topology } from '../topology.ts'
import { quoted } from './layout.ts'
import type { Filter } from './node.ts'
import { copySelect, fromCopy, splitCopyLine } from './postgres-cells.ts'
import type { Connection } from './postgres-connection.ts'

const rowsInBatch = 2048

export async function* readPostgresShard(
  connection: Connection,
  table: string,
  topology: Topology,
  filter: Filter | null,
  { signal, check }: { readonly signal: AbortSignal; check(client: PoolClient): Promise<void> },
  explain: (error: unknown) => unknown,
): AsyncGenerator<Batch> {
  const { columns } = topology
  const { to } = await import('pg-copy-streams')
  const taken = await connection.client()
  let whole = false
  try {
    await taken.client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    await check(taken.client)
    const where = filter ? ` WHERE ${quoted(filter.column)} = ${literal(taken.client, filter.value)}` : ''
    const list = columns.map(copySelect).join(', ')
    const stream = taken.client.query(to(`COPY (SELECT ${list} FROM ${table}${where}) TO STDOUT`))
    const convert = columns.map(fromCopy)
    let cells: Cell[][] = columns.map(() => [])
    let rows = 0
    let rest = ''
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    for await (const bytes of stream) {
      signal.throwIfAborted()
      const lines = (rest + decoder.decode(bytes as Uint8Array, { stream: true })).split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        const fields = splitCopyLine(line)
        for (let c = 0; c < convert.length; c++) {
          const text = fields[c]!
          cells[c]!.push(text === null ? null : convert[c]!(text))
        }
        if (++rows < rowsInBatch) continue
        yield { fields: columns, columns: cells, rows }
        cells = columns.map(() => [])
        rows = 0
      }
    }
    await taken.client.query('COMMIT')
    whole = true
    if (rows > 0) yield { fields: columns, columns: cells, rows }
  } catch (error) {
    throw signal.aborted ? signal.reason : explain(error)
  } finally {
    taken.release(!whole)
  }
}

/** COPY takes no parameters. */
const literal = (client: PoolClient, value: string | bigint): string =>
  typeof value === 'bigint' ? String(value) : client.escapeLiteral(value)
