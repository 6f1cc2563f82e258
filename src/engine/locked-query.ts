/** One read-only SELECT in an engine that can open the given files and nothing else, and whose settings are locked. */
import { stat } from 'node:fs/promises'
import type { Rows } from '../core/batch.ts'
import { fail, TblctlError } from '../core/errors.ts'
import { printable } from '../core/ref.ts'
import { type Engine, type EngineOptions, openEngine, readingFiles } from './engine.ts'
import { plainMessage } from './engine-error.ts'
import { checkQuery } from './query-check.ts'
import { literalPath, quoteIdentifier, quoteString, quoteStrings } from './sql-text.ts'

export interface QueryTable {
  /** How the query calls it, usually `t`. */
  readonly name: string
  /** Its rows (scanSql). */
  readonly select: string
  /** Absolute paths of every file that the select opens. */
  readonly files: readonly string[]
}

export interface LockedQuery extends EngineOptions {
  readonly tables: readonly QueryTable[]
  readonly sql: string
  /** How messages call files that are copies (Engine.copies). */
  readonly copies?: ReadonlyMap<string, string>
}

/**
 * Throws `query-not-allowed` (refused) for anything but one SELECT over the tables, `bad-query` (usage) with position and columns for
 * one that does not parse or bind. The engine lives until the rows are disposed.
 */
export async function lockedQuery({ tables, sql, copies, ...options }: LockedQuery): Promise<Rows> {
  const engine = await openEngine(options)
  for (const [path, name] of copies ?? []) engine.copies.set(path, name)
  const files = tables.flatMap((table) => table.files)
  try {
    const [parsed] = await engine.all(`SELECT json_serialize_sql(${quoteString(sql)}) AS tree`)
    checkQuery(
      String(parsed!.tree),
      sql,
      tables.map((table) => table.name),
    )
    await readingFiles(engine, files, async () => {
      for (const table of tables) await engine.run(`CREATE VIEW ${quoteIdentifier(table.name)} AS ${table.select}`)
    })
    await lock(engine, files)
    const rows = await readingFiles(engine, files, () => engine.stream(sql))
    return {
      fields: rows.fields,
      batches: explained(engine, files, rows),
      [Symbol.asyncDispose]: async () => {
        await rows[Symbol.asyncDispose]()
        await engine[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    const told = (await goneFile(error, engine, files)) ?? (await badQuery(error, sql, engine, tables))
    await engine[Symbol.asyncDispose]()
    throw told
  }
}

/** From here on the engine opens these files and nothing else, and no setting can change. */
export async function lock(engine: Engine, files: readonly string[]): Promise<void> {
  // The engine checks a path as it is written in the scan and again as it is found on the disk.
  const paths = new Set(files.flatMap((file) => [file, literalPath(file)]))
  await engine.run(`SET GLOBAL allowed_paths = ${quoteStrings([...paths])}`)
  await engine.run('SET GLOBAL enable_external_access = false')
  await engine.run('SET GLOBAL lock_configuration = true')
}

async function* explained(engine: Engine, files: readonly string[], rows: Rows): Rows['batches'] {
  const iterator = rows.batches[Symbol.asyncIterator]()
  try {
    while (true) {
      const next = await readingFiles(engine, files, () => iterator.next())
      if (next.done) return
      yield next.value
    }
  } catch (error) {
    throw (await goneFile(error, engine, files)) ?? error
  } finally {
    await iterator.return?.()
  }
}

/** A file that is not there is taken for a folder to look into, and the locked engine says that it may not. */
async function goneFile(thrown: unknown, engine: Engine, files: readonly string[]): Promise<Error | undefined> {
  if (!(thrown instanceof Error) || !thrown.message.startsWith('Permission Error:')) return undefined
  for (const file of files) {
    if (!thrown.message.includes(file) || (await stat(file).catch(() => undefined))?.isFile()) continue
    const where = engine.copies.get(file) ?? printable(file)
    return fail('missing', 'file-missing', `a file cannot be read: ${where} is not there`, { where, cause: thrown })
  }
  return undefined
}

/** What the person who wrote the query can mend. */
async function badQuery(thrown: unknown, sql: string, engine: Engine, tables: readonly QueryTable[]): Promise<unknown> {
  if (!(thrown instanceof Error) || thrown instanceof TblctlError) return thrown
  const { message } = thrown
  if (message.startsWith('Permission Error:'))
    return fail('refused', 'query-not-allowed', `the query is not allowed: ${plainMessage(message)}`, { cause: thrown })
  if (!/^(Parser|Binder|Catalog|Not implemented|Syntax) Error:/i.test(message)) return thrown
  const where = position(message, sql)
  const unknown = /(column .* not found|does not have a column|not found in FROM clause)/i.test(message)
  return fail('usage', 'bad-query', plainMessage(message), {
    ...(where === undefined ? {} : { where }),
    ...(unknown ? { hint: await columnsHint(engine, tables) } : {}),
    cause: thrown,
  })
}

async function columnsHint(engine: Engine, tables: readonly QueryTable[]): Promise<string> {
  const lists = tables.map(async ({ name }) => {
    await using rows = await engine.stream(`SELECT * FROM ${quoteIdentifier(name)} LIMIT 0`)
    return `${printable(name)} has ${rows.fields.map((f) => printable(f.name)).join(', ')}`
  })
  return (await Promise.all(lists)).join('; ')
}

/** `query:LINE:COLUMN` from the excerpt with a caret that the engine prints. */
export function position(message: string, sql: string): string | undefined {
  const match = /LINE (\d+): (.*)\n( *)\^/.exec(message)
  if (!match) return undefined
  const [, line, excerpt, indent] = match as unknown as [string, string, string, string]
  const offset = indent.length - `LINE ${line}: `.length
  const shown = excerpt.replace(/^\.\.\.|\.\.\.$/g, '')
  const start = (sql.split('\n')[Number(line) - 1] ?? '').indexOf(shown)
  if (start < 0) return `query:${line}`
  return `query:${line}:${start + offset - (excerpt.startsWith('...') ? 3 : 0) + 1}`
}
