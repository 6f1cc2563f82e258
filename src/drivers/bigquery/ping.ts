/** doctor's checks of a project: it answers, and queries may run there. */
import type { Check } from '../../core/driver.ts'
import { errorView } from '../../core/errors.ts'
import type { ReadContext } from '../../core/operation.ts'
import type { Warehouse } from './table.ts'

export async function ping({ projectId, requests }: Warehouse, ctx: ReadContext): Promise<readonly Check[]> {
  return [
    await check('datasets', async () => {
      let datasets = 0
      for await (const _ of requests.datasets(ctx)) datasets++
      return `${projectId} (${datasets} datasets)`
    }),
    await check('query', async () => {
      const bytes = await requests.dryRun({ sql: 'SELECT CURRENT_TIMESTAMP()', parameters: [] }, ctx)
      return `queries may run; this one reads ${bytes} bytes`
    }),
  ]
}

async function check(name: string, work: () => Promise<string>): Promise<Check> {
  try {
    return { check: name, ok: true, detail: await work() }
  } catch (error) {
    const { message, hint } = errorView(error)
    return { check: name, ok: false, detail: message, fix: hint ?? 'check projectId, apiEndpoint and credentials' }
  }
}
