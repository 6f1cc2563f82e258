/** The verbs as the tests call them. Loaded into child processes too: nothing of the test runner here. */
import type { Tblctl } from '../../../src/api/open.ts'
import type { OperationReport } from '../../../src/api/operate.ts'

export interface LoadWith {
  readonly again?: boolean
  readonly batchId?: string
  readonly commitRows?: number
  readonly rejectTo?: string
  readonly dryRun?: boolean
}
export async function load(
  tblctl: Tblctl,
  directory: string,
  ref: string,
  inputs: readonly string[],
  more: LoadWith = {},
): Promise<OperationReport> {
  return tblctl.load({
    ref,
    inputs,
    directory,
    format: null,
    batchId: more.batchId ?? null,
    again: more.again ?? false,
    commitRows: more.commitRows ?? null,
    commitBytes: null,
    commitMs: null,
    rejectTo: more.rejectTo ?? null,
    input: (async function* () {})(),
    dryRun: more.dryRun ?? false,
  })
}

/** Rows belong to this user, and only flush makes files of them: after each load it is done here. A child does without it. */
export function asUser(tblctl: Tblctl, as: string, flushed = true): Tblctl {
  return {
    ...tblctl,
    query: (ref, sql) => tblctl.query(ref, sql, { as }),
    export: (ref, how) => tblctl.export(ref, how, { as }),
    load: async (request) => {
      const report = await tblctl.load({ ...request, as })
      // It may have been unregistered while it was loaded.
      const there = (await tblctl.list({ refs: [] })).items.some(({ ref }) => ref === request.ref)
      if (flushed && there && report.summary.changed > 0) await tblctl.operate('flush', { refs: [request.ref] }, { as })
      return report
    },
  }
}

export const create = (tblctl: Tblctl, refs: readonly string[], schema = 'things', dryRun = false) =>
  tblctl.provision('create', refs, { schema, location: null, labels: {} }, dryRun)
export const register = (tblctl: Tblctl, refs: readonly string[], dryRun = false) =>
  tblctl.provision('register', refs, { location: null, labels: {} }, dryRun)
export const unregister = (tblctl: Tblctl, refs: readonly string[], dryRun = false) =>
  tblctl.operate('unregister', { refs }, {}, dryRun)
export const optimize = (tblctl: Tblctl, refs: readonly string[], dryRun = false) =>
  tblctl.operate('optimize', { refs }, { targetSize: null }, dryRun)
