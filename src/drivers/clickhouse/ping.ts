/** ping: is the engine there, does it let us in, is it new enough, and is the database one that can take back a drop? */
import type { Check } from '../../core/driver.ts'
import { errorView } from '../../core/errors.ts'
import type { ReadContext } from '../../core/operation.ts'
import type { Executor } from './executor.ts'
import type { Warehouse } from './warehouse.ts'

export async function ping(warehouse: Warehouse, ctx: ReadContext): Promise<readonly Check[]> {
  let executor: Executor
  try {
    executor = await warehouse.executor(ctx.signal)
  } catch (error) {
    return [failed('server', error)]
  }
  try {
    const version = await executor.version
    const server = { check: 'server', ok: true, detail: `ClickHouse ${version} at ${executor.place}` }
    return [server, await database(warehouse, executor, ctx.signal)]
  } catch (error) {
    return [failed('server', error)]
  } finally {
    await executor[Symbol.asyncDispose]()
  }
}

/** Dropped tables of these engines can be undropped, and renames and exchanges are atomic. */
const safeEngines = ['Atomic', 'Replicated', 'Shared']

async function database({ database: name }: Warehouse, executor: Executor, signal: AbortSignal): Promise<Check> {
  try {
    const [found] = await executor.query<{ engine: string; tables: string }>({
      sql: `SELECT engine, toString((SELECT count() FROM system.tables WHERE database = {name:String})) AS tables
        FROM system.databases WHERE name = {name:String}`,
      parameters: { name },
      signal,
    })
    if (!found) return { check: 'database', ok: true, detail: `${name} is not there yet: the first table makes it` }
    const safe = safeEngines.includes(found.engine)
    return {
      check: 'database',
      ok: safe,
      detail: `${name} (${found.engine}, ${found.tables} tables)`,
      ...(safe
        ? {}
        : {
            fix: `set another database for this backend: in one of engine ${found.engine} nothing dropped comes back`,
          }),
    }
  } catch (error) {
    return failed('database', error)
  }
}

function failed(check: string, error: unknown): Check {
  const { message, hint } = errorView(error)
  return { check, ok: false, detail: message, ...(hint === undefined ? {} : { fix: hint }) }
}
