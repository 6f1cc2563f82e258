/** One SQLite file: opened alike everywhere, waited for without blocking the process, and its errors in our words. */
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { fail, TblctlError } from '../../../core/errors.ts'
import { writeAheadLog } from '../../../core/write-ahead-log.ts'
import type { Shard } from '../topology.ts'
import { duplicateKey, nodeBusy, nodeFailed } from './errors.ts'

/** A writer that finds the file locked asks again this often; the engine's own wait would block the whole process. */
const askEveryMs = 20
const shortPatienceMs = 30_000

export function openFile(file: string, options: { readonly readOnly?: boolean }): DatabaseSync {
  const db = new DatabaseSync(file, { readOnly: options.readOnly ?? false, timeout: options.readOnly ? 2000 : 250 })
  if (!options.readOnly) {
    writeAheadLog(db)
    db.exec('pragma synchronous = full')
  }
  return db
}

export async function beginImmediate(node: string, db: DatabaseSync, patienceMs = shortPatienceMs): Promise<void> {
  const until = Date.now() + patienceMs
  for (;;) {
    try {
      db.exec('begin immediate')
      return
    } catch (error) {
      if (!isBusy(error) || Date.now() > until) throw explained(node, error)
      await sleep(askEveryMs)
    }
  }
}

export async function inTransaction(
  node: string,
  db: DatabaseSync,
  work: () => void,
  steps: { before(): void; after(): void },
): Promise<void> {
  await beginImmediate(node, db)
  inSqlite(node, () => {
    try {
      work()
      steps.before()
      db.exec('commit')
    } catch (error) {
      if (db.isTransaction) db.exec('rollback')
      throw error
    }
  })
  steps.after()
}

/** `shard`: whose file it is, for messages. */
export function inSqlite<T>(node: string, work: () => T, shard?: Shard): T {
  try {
    return work()
  } catch (error) {
    throw explained(node, error, { shard })
  }
}

/** Result codes of SQLite (sqlite.org/rescode.html). */
const primary = {
  busy: 5,
  locked: 6,
  readOnly: 8,
  io: 10,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  constraint: 19,
  notADb: 26,
}

const codeOf = (error: unknown): number => Number((error as { errcode?: number }).errcode ?? 0) & 0xff
const isBusy = (error: unknown): boolean => codeOf(error) === primary.busy || codeOf(error) === primary.locked

export function explained(
  node: string,
  error: unknown,
  { key, shard }: { readonly key?: () => string; readonly shard?: Shard | undefined } = {},
): unknown {
  if (error instanceof TblctlError || !(error instanceof Error)) return error
  const { message } = error
  switch (codeOf(error)) {
    case primary.busy:
    case primary.locked:
      return nodeBusy(node, 'another program is writing to the shard', error)
    case primary.full:
      return fail('failed', 'disk-full', `node ${node}: the disk is full`, {
        where: node,
        retry: 'resume',
        cause: error,
      })
    case primary.readOnly:
    case primary.cantOpen:
      return fail('denied', 'node-denied', `node ${node}: a file cannot be opened or written`, {
        where: node,
        cause: error,
      })
    case primary.corrupt:
    case primary.notADb:
      return fail(
        'data',
        'corrupt-shard',
        `node ${node}: ${shard ? `the file ${shard.name}.db of shard ${shard.id}` : 'topology.db'} is damaged`,
        { where: node, hint: 'restore the file from a backup', cause: error },
      )
    case primary.constraint:
      if (key && /UNIQUE constraint failed/.test(message)) return duplicateKey(key(), error)
      return fail('data', 'constraint', `node ${node}: ${message}`, { where: node, cause: error })
    default:
      return ['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')
        ? fail('denied', 'node-denied', `node ${node}: ${message}`, { where: node, cause: error })
        : nodeFailed(node, message, error)
  }
}
