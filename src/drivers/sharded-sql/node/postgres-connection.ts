/** Connections to a PostgreSQL node: a small pool, one way to make a transaction, and the server's errors in our words. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Pool, PoolClient } from 'pg'
import { durable } from '../../../core/durable.ts'
import { fail, TblctlError } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { PostgresSettings } from '../config.ts'
import { duplicateKey, nodeBusy, nodeFailed, nodeUnreachable } from './errors.ts'

/** Tables that are worked on side by side share them. */
const mostConnections = 32
const connectMs = 10_000
/** For locks of single statements, in milliseconds. */
export const lockMs = 10_000

export interface Connection extends AsyncDisposable {
  /** A client of the caller's own; `broken` when it cannot be used again. */
  client(): Promise<{ readonly client: PoolClient; release(broken?: boolean): void }>
  /** Values are bound. Every column is text. */
  query(sql: string, values?: readonly unknown[]): Promise<readonly Record<string, string | null>[]>
  /** One transaction; `step` names it for the fault harness. */
  transaction<T>(step: string, work: (client: PoolClient) => Promise<T>): Promise<T>
  /** Reads at one moment. */
  snapshot<T>(work: (client: PoolClient) => Promise<T>): Promise<T>
  explain(error: unknown): unknown
}

export function openConnection(node: string, settings: PostgresSettings, directory: string): Connection {
  let pool: Promise<Pool> | null = null
  const open = async (): Promise<Pool> => {
    const { default: pg } = await import('pg')
    const made = new pg.Pool({
      connectionString: settings.url,
      ...(settings.password ? { password: settings.password.reveal() } : {}),
      ...(settings.ca ? { ssl: { ca: readFileSync(resolve(directory, settings.ca), 'utf8') } } : {}),
      max: mostConnections,
      connectionTimeoutMillis: connectMs,
      application_name: 'tblctl',
      options: `-c timezone=UTC -c lock_timeout=${lockMs}`,
      types: { getTypeParser: () => (text: string) => text },
      allowExitOnIdle: true,
    })
    made.on('error', () => {}) // an idle connection that broke: the next query opens another
    return made
  }
  const explain = (error: unknown): unknown => explained(node, error)
  const client = async () => {
    pool ??= open()
    const taken = await (await pool).connect()
    const broke = (): void => {} // the query that runs tells it
    taken.on('error', broke)
    return {
      client: taken,
      release: (broken = false) => {
        taken.off('error', broke)
        taken.release(broken)
      },
    }
  }
  const withClient = async <T>(work: (client: PoolClient) => Promise<T>): Promise<T> => {
    try {
      const taken = await client()
      try {
        const result = await work(taken.client)
        taken.release()
        return result
      } catch (error) {
        taken.release(true)
        throw error
      }
    } catch (error) {
      throw explain(error)
    }
  }
  return {
    client: async () => {
      try {
        return await client()
      } catch (error) {
        throw explain(error)
      }
    },
    query: (sql, values = []) => withClient(async (taken) => (await taken.query(sql, [...values])).rows),
    transaction: (step, work) =>
      withClient(async (taken) => {
        await taken.query('BEGIN')
        const result = await work(taken)
        durable(`sharded-sql.${step}:before`)
        await taken.query('COMMIT')
        durable(`sharded-sql.${step}:after`)
        return result
      }),
    snapshot: (work) =>
      withClient(async (taken) => {
        await taken.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
        const result = await work(taken)
        await taken.query('COMMIT')
        return result
      }),
    explain,
    [Symbol.asyncDispose]: async () => {
      const ending = pool
      pool = null
      if (ending) await (await ending).end()
    },
  }
}

/** PostgreSQL docs, Appendix A "Error Codes"; network errors by their own. */
function explained(node: string, error: unknown): unknown {
  if (error instanceof TblctlError || !(error instanceof Error)) return error
  const { code = '', detail = '' } = error as { code?: string; detail?: string }
  const where = { where: node, cause: error }
  if (code === '23505') {
    const key = /^Key \((.*)\)=\((.*)\) already exists\.$/s.exec(detail)
    return duplicateKey(key ? `${key[1]}=${key[2]}` : 'this key', error)
  }
  if (/^(22|23)/.test(code)) return fail('data', 'constraint', `node ${node}: ${constraintText(code, error)}`, where)
  if (code === '42P01' || code === '3F000')
    return fail('missing', 'shard-missing', `node ${node} holds no such shard`, {
      ...where,
      hint: 'the table was dropped or moved by another catalog: tblctl unregister REF, then tblctl register REF',
    })
  if (/^(28|42501)/.test(code))
    return fail('denied', 'node-denied', `node ${node}: ${printable(error.message)}`, {
      ...where,
      hint: 'check user and password of the node, and tblctl doctor --print-policy',
    })
  if (['40001', '40P01', '55P03'].includes(code)) return nodeBusy(node, error.message, error)
  if (code === '53100')
    return fail('failed', 'disk-full', `node ${node}: the disk is full`, { ...where, retry: 'resume' })
  if (code === '3D000') return nodeUnreachable(node, error.message, error)
  if (/^(08|57P|53300|E[A-Z]+$)/.test(code) || /timeout|terminated|password must be/i.test(error.message))
    return nodeUnreachable(node, (error as AggregateError).errors?.[0]?.message ?? (error.message || code), error)
  return nodeFailed(node, error.message, error)
}

/** The server's own text shows whole rows and names that it made itself. */
function constraintText(code: string, error: Error): string {
  const { column } = error as { column?: string }
  if (code === '23502') return `column "${printable(column ?? '')}" is null in a row, and it is not nullable`
  if (code === '23514') return 'a row breaks a rule of its column: a text is too long, or a number out of range'
  return code.startsWith('23') ? 'a row breaks a rule of the table' : 'a value does not fit its column'
}

/** `42P01`, `3F000`: no such table, no such schema. */
export const isMissing = (error: unknown): boolean => {
  const cause = error instanceof TblctlError ? error.cause : error
  return ['42P01', '3F000'].includes((cause as { code?: string } | undefined)?.code ?? '')
}
