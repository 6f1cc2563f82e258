/** doctor's checks of a Harper: it answers, to this user, and its database can be looked into. */
import type { Check } from '../../core/driver.ts'
import { errorView } from '../../core/errors.ts'
import type { ReadContext } from '../../core/operation.ts'
import type { Operations } from './operations.ts'
import type { Database } from './table.ts'

export async function ping(operations: Operations, database: Database, ctx: ReadContext): Promise<readonly Check[]> {
  return [
    await check('operations', async () => {
      const { version } = await operations.call('registration_info', {}, ctx)
      return `Harper ${version} at ${operations.url}`
    }),
    await check('database', async () => {
      const tables = await database.tables(ctx)
      return `${database.name} (${tables.length} tables)`
    }),
  ]
}

async function check(name: string, work: () => Promise<string>): Promise<Check> {
  try {
    return { check: name, ok: true, detail: await work() }
  } catch (error) {
    const { message, hint } = errorView(error)
    return { check: name, ok: false, detail: message, fix: hint ?? 'check url, username and password' }
  }
}
