/** A runner's surroundings in memory, and operations that are as small as what is tested needs. */
import { openSqliteCatalog } from '../../../../src/catalog/sqlite.ts'
import type { Catalog, Job } from '../../../../src/core/catalog.ts'
import type { Host, ReportItem } from '../../../../src/core/host.ts'
import type { JsonObject } from '../../../../src/core/json.ts'
import type { AnyOperation, Operation, Plan, Subject } from '../../../../src/core/operation.ts'
import { runOperations } from '../../../../src/core/run/runner.ts'
import { silent, stopSwitch } from '../../../support/open.ts'

export const path = 'lake/acme/metrics'
export const subject = (at = path): Subject => ({ kind: 'table', path: at, spec: null })

export const plan = (more: Partial<Plan> = {}): Plan => ({
  changes: 1,
  risk: 'routine',
  summary: ['do it'],
  basis: {},
  leases: [{ path, mode: 'maintain' }],
  ...more,
})

export type Small = Partial<Operation<any, any, any, any>>
/** Commits once and says changed, where nothing else is given. */
export const operation = (more: Small = {}): AnyOperation => ({
  options: { parse: (raw) => raw as object },
  version: 1,
  hold: 'run',
  resume: 'continue',
  key: () => 'k',
  plan: async (of) => plan({ leases: [{ path: of.path, mode: 'maintain' }] }),
  execute: async (_plan, ctx) => {
    await ctx.commit({ phase: 'one', state: { n: 1 } })
    return { is: 'changed', result: { n: 1 } }
  },
  ...more,
})

let ids = 0
export function hostOver(catalog: Catalog, more: Partial<Host> = {}): Host {
  return {
    catalog,
    owner: 'host/1/0/a',
    isGone: () => false,
    actor: 'me',
    run: 'run-1',
    leaseMs: 30_000,
    lockTimeoutMs: 0,
    parallelism: 4,
    approver: { approve: async () => true },
    reporter: silent,
    stop: stopSwitch(),
    newId: () => `job${++ids}`,
    now: () => new Date(),
    ...more,
  }
}
export const memoryCatalog = (): Catalog => openSqliteCatalog(':memory:')

export async function runOne(
  host: Host,
  of: AnyOperation,
  more: Partial<Parameters<typeof runOperations>[1]> & { readonly options?: object; readonly at?: string } = {},
): Promise<ReportItem> {
  const { options = {}, at = path, ...request } = more
  const work = [{ verb: 'optimize', operation: of, options, subject: subject(at) }]
  return (await runOperations(host, { work, ...request }))[0]!
}

export const allJobs = (catalog: Catalog): Promise<Job[]> => Array.fromAsync(catalog.jobs())
export const outcomes = async (catalog: Catalog): Promise<string[]> =>
  (await Array.fromAsync(catalog.auditTrail())).map((row) => row.outcome)

/** An open job that nobody runs: it has begun, committed this, and its process is no more. */
export async function deadJob(catalog: Catalog, id: string, data?: JsonObject, more: { hold?: 'job' } = {}) {
  const job = {
    id,
    run: 'run-0',
    verb: 'optimize',
    subject: 'table' as const,
    path,
    key: 'k',
    version: 1,
    hold: more.hold ?? ('run' as const),
    options: {},
    plan: plan(),
    actor: 'me',
  }
  const lease = await catalog.begin(job, 'host/2/0/dead', 30_000)
  if (lease.is !== 'held') throw new Error('busy')
  if (data) await catalog.commit(id, lease.fence, { phase: 'before', data })
  await catalog.release(lease.fence)
  return job
}
