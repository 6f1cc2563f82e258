/**
 * The executor over chdb, ClickHouse inside this process. Each statement has a session of its own, so that settings never leak, beside one
 * that only keeps the folder open: without it every statement would load all tables anew. A process has one folder open at a time.
 */
import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Session } from 'chdb'
import { fail } from '../../core/errors.ts'
import { makeFolder } from '../../core/files.ts'
import { clickhouseError } from './errors.ts'
import { alwaysSettings, type Executor, insertInto, jsonRows, type Parameters, type Statement } from './executor.ts'
import { folderBusy, folderHolder, lockFolder } from './folder-lock.ts'
import { quoteString } from './names.ts'

export interface ChdbOptions {
  /** Absolute; made when missing. */
  readonly folder: string
  /** A folder for answers on their way. */
  scratch(): Promise<string>
  /** How long another process that has the folder is waited for; 0 = not at all. */
  readonly lockTimeoutMs: number
  readonly signal?: AbortSignal
}

/** The embedded engine has defaults of its own: a typo would become a SELECT of a column, for one. */
const embeddedSettings = { ...alwaysSettings, implicit_select: 0 }

/** Throws `unreachable` when chdb is not installed, `busy` when another process has the folder. */
export async function openChdb(options: ChdbOptions): Promise<Executor> {
  const place = `chdb:${options.folder}`
  const chdb = await import('chdb').catch((cause: unknown) => {
    throw fail(
      'unreachable',
      'chdb-not-installed',
      'the embedded ClickHouse (chdb) is not installed or does not load',
      {
        where: place,
        hint: 'npm install chdb (548 MB; Linux or macOS), or set the url of a ClickHouse server',
        cause,
      },
    )
  })
  const folder = await holdFolder(options, (path) => new chdb.Session(path))
  let closed = false

  async function withSession<T>(statement: Omit<Statement, 'sql'>, work: (session: Session) => Promise<T>): Promise<T> {
    statement.signal?.throwIfAborted()
    const session = new chdb.Session(options.folder)
    try {
      for (const [name, value] of Object.entries(statement.parameters ?? {}))
        await session.queryAsync(`SET param_${name} = ${quoteString(parameterText(value))}`)
      const settings = { ...embeddedSettings, ...statement.settings }
      const text = Object.entries(settings).map(
        ([name, value]) => `${name} = ${typeof value === 'number' ? value : quoteString(value)}`,
      )
      await session.queryAsync(`SET ${text.join(', ')}`)
      return await work(session)
    } catch (error) {
      statement.signal?.throwIfAborted()
      throw clickhouseError(error, place)
    } finally {
      session.close()
    }
  }
  const run = (session: Session, sql: string, signal: AbortSignal | undefined, format = 'JSONEachRow') =>
    session.queryAsync(sql, { format, ...(signal ? { signal } : {}) })

  const executor: Executor = {
    place,
    get version() {
      return executor.query<{ v: string }>({ sql: 'SELECT version() AS v' }).then(([row]) => row!.v)
    },
    query: (statement) =>
      withSession(statement, async (session) => {
        return jsonRows((await run(session, statement.sql, statement.signal)).text())
      }),
    command: (statement) =>
      withSession(statement, async (session) => void (await run(session, statement.sql, statement.signal))),
    insertFile: (target, format, file, statement) =>
      withSession(statement, async (session) => {
        await run(session, `${insertInto(target)} FROM INFILE ${quoteString(file)} FORMAT ${format}`, statement.signal)
      }),
    async *bytes(statement, format) {
      const file = join(await options.scratch(), `answer-${randomUUID()}`)
      try {
        await withSession(statement, async (session) => {
          const into = `${statement.sql}\nINTO OUTFILE ${quoteString(file)} FORMAT ${format}`
          await run(session, into, statement.signal)
        })
        yield* createReadStream(file) as AsyncIterable<Uint8Array>
      } finally {
        await rm(file, { force: true })
      }
    },
    [Symbol.asyncDispose]: async () => {
      if (closed) return
      closed = true
      folder.release()
    },
  }
  return executor
}

/** As the engine reads the text of a parameter: escaped as in TSV, texts in arrays quoted. */
export function parameterText(value: Parameters[string]): string {
  if (typeof value === 'string') return escaped(value)
  if (typeof value === 'boolean') return value ? '1' : '0'
  if (typeof value !== 'object') return String(value)
  return `[${value.map((item) => `'${escaped(item)}'`).join(',')}]`
}
const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  "'": "\\'",
  '\0': '\\0',
}
const escaped = (text: string): string => text.replace(/[\\\t\n\r'\0]/g, (char) => escapes[char]!)

interface OpenFolder {
  readonly path: string
  users: number
  readonly closed: Promise<void>
  close(): void
}
/** The engine is one per process. */
let open: OpenFolder | undefined

async function holdFolder(options: ChdbOptions, start: (path: string) => Session): Promise<{ release(): void }> {
  const { folder: path, lockTimeoutMs, signal } = options
  const deadline = Date.now() + lockTimeoutMs
  for (;;) {
    signal?.throwIfAborted()
    if (open !== undefined && open.path !== path) {
      await open.closed
      continue
    }
    const mine = open ?? tryOpen(path, start)
    if (mine !== undefined) {
      open = mine
      mine.users++
      return {
        release: () => {
          if (--mine.users > 0) return
          open = undefined
          mine.close()
        },
      }
    }
    if (Date.now() >= deadline) throw folderBusy(path)
    await new Promise((resolve) => setTimeout(resolve, Math.min(100, Math.max(1, deadline - Date.now()))))
  }
}

/** Undefined when another process has it. */
function tryOpen(path: string, start: (path: string) => Session): OpenFolder | undefined {
  const lock = takeLock(path)
  if (lock === undefined) return undefined
  try {
    // Of a program that does not know our lock; asked first, because the engine tells about its own on standard error only.
    if (folderHolder(path) !== null) {
      lock.release()
      return undefined
    }
    const keeper = start(path)
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    const close = (): void => {
      keeper.close()
      lock.release()
      resolve()
    }
    return { path, users: 0, closed, close }
  } catch (error) {
    lock.release()
    if (folderHolder(path) !== null) return undefined
    throw fail('failed', 'engine-not-started', `the embedded ClickHouse cannot open its folder`, {
      where: path,
      hint: 'is it writable, and made by the same or an older version?',
      cause: error,
    })
  }
}

function takeLock(path: string): { release(): void } | undefined {
  try {
    makeFolder(path)
    return lockFolder(path)
  } catch (cause) {
    throw fail(
      'denied',
      'folder-denied',
      `the folder of the embedded ClickHouse cannot be made, or not be written to`,
      {
        where: path,
        cause,
      },
    )
  }
}
