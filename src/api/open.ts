/** openTblctl: the one service layer. The command line, a server and programs are its clients. */
import { homedir } from 'node:os'
import { type Config, loadConfig } from '../config/load.ts'
import type { OperationVerb, PointInTime } from '../core/driver.ts'
import type { Approver, Reporter, StopSource } from '../core/host.ts'
import { mapBounded } from '../core/run/pool.ts'
import { runOperations } from '../core/run/runner.ts'
import { driverKinds, loadDriver } from '../drivers/registry.ts'
import { auditTrail } from './audit.ts'
import { trustOf, viewConfig } from './config.ts'
import * as data from './data.ts'
import { adopt, discover } from './discover.ts'
import { examine } from './doctor.ts'
import { flushTables } from './flush.ts'
import { history } from './history.ts'
import * as control from './job-control.ts'
import * as jobs from './jobs.ts'
import { labelOperation, parseLabels } from './label.ts'
import * as locks from './locks.ts'
import { type OperationReport, operate, reportOf } from './operate.ts'
import { protecting } from './protect.ts'
import { provision, undrop } from './provision.ts'
import { registered, type Selection, selectTables, tableSubject } from './select.ts'
import { openSession, requireBackend } from './session.ts'
import { prepareSql, type SqlRequest } from './sql.ts'
import * as syncs from './sync.ts'
import { describeTable, listTables, type TableItem, tableStats } from './tables.ts'
import * as tenants from './tenants.ts'
import { listDropped } from './trash.ts'
import { verify } from './verify.ts'
import { work } from './worker.ts'

export interface OpenOptions {
  /** Path of tblctl.yaml; null: found upward from `directory`. */
  readonly config: string | null
  readonly context: string | null
  readonly env: Readonly<Record<string, string | undefined>>
  readonly directory: string
  /** Names everything that this run does, in jobs, log lines and the backends' own logs. */
  readonly run: string
  readonly lockTimeoutMs: number
  readonly parallelism: number
  readonly approver: Approver
  readonly reporter: Reporter
  readonly stop: StopSource
  /** Life time of a lease, renewed at a third of it; default 30 s. */
  readonly leaseMs?: number
}

export type Tblctl = Awaited<ReturnType<typeof openTblctl>>

export async function openTblctl(options: OpenOptions) {
  const config: Config = await loadConfig({
    flags: { config: options.config ?? undefined, context: options.context ?? undefined },
    cwd: options.directory,
    env: options.env,
    home: options.env.HOME ?? homedir(),
    drivers: { kinds: driverKinds, load: loadDriver },
    warn: (message) => options.reporter.log('warn', message),
  })
  const approver = protecting(options.approver, { protect: config.protect, name: config.context.name })
  const session = openSession({ ...options, config, approver, loadDriver })

  return {
    config,
    view: () => viewConfig(config),
    trust: () => trustOf(config, { env: options.env, home: options.env.HOME ?? homedir() }),
    schemas: () => session.schemas(),

    list: (selection: Selection, live = false) => listTables(session, selection, live),
    /** The registered tables that a command's choice means. */
    select: async (selection: Selection) => (await selectTables(session, selection)).map(tableSubject),
    describe: async (ref: string, at: PointInTime | null = null) =>
      describeTable(session, await registered(session, ref), at),
    history: (ref: string, limit: number | null = null) => history(session, ref, limit),
    verify: (ref: string, how: { readonly data: boolean }) => verify(session, ref, how),
    /** Tables that the backends hold and the catalog does not know. */
    discover: (selection: Selection) => discover(session, selection),
    adopt: (found: readonly TableItem[], labels: Readonly<Record<string, string>>, dryRun = false) =>
      adopt(session, found, labels, dryRun),
    stats: async (selection: Selection, exact = false) =>
      mapBounded(await selectTables(session, selection), options.parallelism, (row) => tableStats(session, row, exact)),

    /** A verb on subjects that need not be registered yet: register, create. */
    provision: async (
      verb: OperationVerb,
      refs: readonly string[],
      raw: object,
      dryRun = false,
    ): Promise<OperationReport> => provision(session, verb, refs, raw, dryRun),
    /** A verb on registered tables: unregister, optimize, reshard, flush. */
    operate: async (verb: OperationVerb, selection: Selection, raw: object, dryRun = false): Promise<OperationReport> =>
      operate(session, verb, (await selectTables(session, selection)).map(tableSubject), raw, { dryRun }),
    /** Tables that were dropped come back. */
    undrop: (refs: readonly string[], id: string | null, dryRun = false) => undrop(session, refs, id, dryRun),
    /** What was dropped and can be brought back. */
    dropped: (selection: Selection) => listDropped(session, selection),
    label: async (selection: Selection, changes: readonly string[], dryRun = false): Promise<OperationReport> => {
      const labels = parseLabels(changes)
      const subjects = (await selectTables(session, selection)).map(tableSubject)
      const items = await runOperations(session.host(), {
        work: subjects.map((subject) => ({ verb: 'label', operation: labelOperation, options: labels, subject })),
        dryRun,
      })
      return reportOf(session, 'label', dryRun, items)
    },

    load: (request: data.LoadRequest) => data.loadRows(session, request),
    query: (ref: string, sql: string, reading: data.ReadingAs = {}) => data.queryTable(session, ref, sql, reading),
    export: (ref: string, how: Parameters<typeof data.exportTable>[2], reading: data.ReadingAs = {}) =>
      data.exportTable(session, ref, how, reading),
    flush: (selection: Selection, as: string | null, dryRun = false) => flushTables(session, selection, as, dryRun),
    /** One SQL statement, read and not run yet. */
    sql: (request: SqlRequest) => prepareSql(session, request),

    tenants: {
      operate: (verb: OperationVerb, choice: tenants.TenantChoice, raw: object, dryRun = false) =>
        tenants.operateTenants(session, verb, choice, raw, dryRun),
      list: (backend: string | null) => tenants.listTenants(session, backend),
      describe: (choice: tenants.TenantChoice) => tenants.describeTenant(session, choice),
    },
    /** What was deleted from a backend goes for good, once its time is over. */
    emptyTrash: async (backend: string, dryRun = false): Promise<OperationReport> => {
      requireBackend(config, backend)
      return operate(session, 'vacuum', [{ kind: 'backend', path: backend, spec: null }], {}, { dryRun })
    },

    syncs: {
      run: (request: Omit<syncs.SyncRequest, 'directory' | 'env'>) =>
        syncs.runSyncs(session, { ...request, directory: options.directory, env: options.env }, (changed) =>
          openSession({ ...options, config: changed, approver, loadDriver }),
        ),
      status: (ids: readonly string[]) => syncs.syncStatus(session, ids),
      pause: (ids: readonly string[], pause: boolean) => syncs.pauseSyncs(session, ids, pause),
    },

    jobs: {
      list: (filter: jobs.JobsFilter) => jobs.listJobs(session, filter),
      /** The whole id for the beginning of one. */
      id: (text: string) => jobs.jobId(session, text),
      show: (id: string) => jobs.showJob(session, id),
      log: (id: string, follow = false) => jobs.jobLog(session, id, follow),
      wait: (id: string) => jobs.waitForJob(session, id),
      resume: (id: string) => control.resumeJob(session, id),
      cancel: (id: string) => control.cancelJob(session, id),
      control: (id: string, name: string) => control.controlJob(session, id, name, true),
      prunable: (before: Date, what: { audit: boolean }) => jobs.prunable(session, before, what),
      prune: (before: Date, what: { audit: boolean }) => session.catalog().prune(before, what),
    },
    holders: (ref: string) => locks.holders(session, ref),
    unlock: (held: Parameters<typeof locks.unlock>[1]) => locks.unlock(session, held),
    audit: (filter: { ref?: string; limit?: number }) => auditTrail(session, filter),
    work: (how: { once: boolean; pollMs?: number }) => work(session, how),

    doctor: (backends: readonly string[] = [...config.backends.keys()]) => {
      for (const backend of backends) requireBackend(config, backend)
      return examine(session, backends)
    },
    /** What a backend must allow at the least, in its own words. */
    policy: async (backend: string) => (await session.module(backend)).policy(requireBackend(config, backend).config),

    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  }
}

/** Those that ship. */
export const driverNames = driverKinds

/** What each driver can, without a configuration: the capability matrix of `tblctl drivers`. */
export async function describeDrivers() {
  return Promise.all(
    driverKinds.map(async (kind) => {
      const { traits, can } = await loadDriver(kind)
      return { driver: kind, ...traits, can }
    }),
  )
}
