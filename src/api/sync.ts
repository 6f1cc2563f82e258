/** sync run|status|pause|resume: the syncs of the config, each an operation on `sync/ID`. */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type BackendConfig, type Config, loadConfig } from '../config/load.ts'
import type { SyncConfig } from '../config/sync.ts'
import { namedUrlBackend } from '../config/url-backend.ts'
import { fail } from '../core/errors.ts'
import type { ReportItem } from '../core/host.ts'
import type { AnyOperation, Subject } from '../core/operation.ts'
import { isBackendName, printable, refOfPath, segmentsOf, tablePath } from '../core/ref.ts'
import { reapDead } from '../core/run/dead.ts'
import { didYouMean } from '../core/suggest.ts'
import { driverKinds, loadDriver } from '../drivers/registry.ts'
import type { SyncEnds } from '../sync/ends.ts'
import { syncPath, syncRun, syncVerb } from '../sync/operation.ts'
import { type SyncSpec, syncSpec } from '../sync/spec.ts'
import { isPausedSync, type SyncStatus, statusOf } from '../sync/status.ts'
import { type OperationReport, reportOf, runWork, unsupported } from './operate.ts'
import { provision } from './provision.ts'
import type { Session } from './session.ts'

export type { SyncStatus }

export interface SyncRequest {
  /** Empty: all. */
  readonly ids: readonly string[]
  /** Backend or URL instead of the targets' own backend; null: as configured. */
  readonly target: string | null
  /** Relative paths in `target` count from here. */
  readonly directory: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly dryRun: boolean
}

/** Opens a session over a config with one backend more. */
export type OpenWith = (config: Config) => Session

export async function runSyncs(session: Session, request: SyncRequest, openWith: OpenWith): Promise<OperationReport> {
  const { config } = session
  const chosen = chooseSyncs(config, request.ids)
  const target = request.target === null ? null : await targetBackend(session, request.target, request)
  await using ends = target?.added ? openWith(target.added) : sharing(session)
  const operation = syncOperation(ends)
  const items: (ReportItem | null)[] = []
  const specs: SyncSpec[] = []
  for (const sync of chosen) {
    const paused = await isPausedSync(session.catalog(), sync.id)
    items.push(paused ? pausedItem(sync.id) : null)
    if (!paused)
      specs.push(syncSpec.parse(target === null ? sync : { ...sync, target: onBackend(sync.target, target.name) }))
  }
  const work = specs.map((spec) => ({ verb: syncVerb, operation, options: spec, subject: subjectOf(spec.id) }))
  const report = await runWork(session, syncVerb, work, { dryRun: request.dryRun })
  if (!request.dryRun) for (const [i, item] of report.items.entries()) await settle(ends, specs[i]!, item)
  const done = report.items.values()
  return reportOf(
    session,
    syncVerb,
    request.dryRun,
    items.map((item) => item ?? done.next().value!),
  )
}

/** For `jobs resume`: the ends are those of the job's own spec. */
export function syncOperation(session: Session): AnyOperation {
  return syncRun(async (spec): Promise<SyncEnds> => {
    const backend = { source: spec.source.backend, target: segmentsOf(spec.target).backend }
    const catalog = session.catalog()
    const source = await session.driver(backend.source)
    const target = await session.driver(backend.target)
    const [reads, writes] = [source.can['sync.source'], target.can['sync.target']]
    if (!reads) throw await unsupported('sync.source', source.kind, `backend ${backend.source}`)
    if (!writes) throw await unsupported('sync.target', target.kind, refOfPath(spec.target))
    const row = await catalog.table(spec.target)
    return {
      source: { port: reads, records: catalog.records(backend.source) },
      target: {
        port: writes,
        records: catalog.records(backend.target),
        table: { kind: 'table', path: spec.target, spec: row?.spec ?? null },
      },
    }
  })
}

/** From the catalog alone: no backend is asked. */
export async function syncStatus(session: Session, ids: readonly string[]): Promise<SyncStatus[]> {
  await reapDead(session.host())
  const items: SyncStatus[] = []
  for (const sync of chooseSyncs(session.config, ids))
    items.push(await statusOf(session.catalog(), syncSpec.parse(sync)))
  return items
}

/** Desired state: it stays until it is taken back, and a run that goes on obeys it at its next page. */
export async function pauseSyncs(session: Session, ids: readonly string[], pause: boolean): Promise<OperationReport> {
  const verb = pause ? 'sync.pause' : 'sync.resume'
  if (ids.length === 0)
    throw fail('usage', 'empty-choice', 'no sync is named', {
      hint: `tblctl ${verb.replace('.', ' ')} ID (tblctl sync status)`,
    })
  const { actor, run, owner } = session.host()
  const items: ReportItem[] = []
  for (const { id } of chooseSyncs(session.config, ids)) {
    const path = syncPath(id)
    const changes = (await isPausedSync(session.catalog(), id)) !== pause
    if (changes) {
      await session.catalog().setControl(path, 'paused', pause, owner)
      await session.catalog().audit({ run, actor, verb, path, job: null, outcome: 'done', detail: null })
    }
    items.push({
      ref: path,
      status: changes ? 'changed' : 'unchanged',
      result: { answer: pause ? 'paused' : 'resumed' },
    })
  }
  return reportOf(session, verb, false, items)
}

/** In the order of the config; none named means all. The name of a source table that only one sync has is as good as its id. */
function chooseSyncs(config: Config, ids: readonly string[]): readonly SyncConfig[] {
  const { syncs } = config
  if (syncs.size === 0)
    throw fail('usage', 'no-syncs', `${config.file} has no syncs`, { hint: 'add a section sync: (docs/sync.md)' })
  if (ids.length === 0) return [...syncs.values()]
  const named = new Set(
    ids.map((id) => {
      if (syncs.has(id)) return id
      const ofTable = [...syncs.values()].filter(({ source }) => source.table === id)
      if (ofTable.length === 1) return ofTable[0]!.id
      if (ofTable.length > 1)
        throw fail('usage', 'ambiguous-sync', `"${printable(id)}" is the table of ${ofTable.length} syncs`, {
          hint: `name one: ${ofTable.map((sync) => sync.id).join(', ')}`,
        })
      const near = didYouMean(id, [...syncs.keys()])
      throw fail('missing', 'sync-not-found', `there is no sync "${printable(id)}"`, {
        hint: near ? `did you mean ${near}?` : `syncs are ${[...syncs.keys()].slice(0, 20).join(', ')}`,
      })
    }),
  )
  return [...syncs.values()].filter(({ id }) => named.has(id))
}

const subjectOf = (id: string): Subject => ({ kind: 'sync', path: syncPath(id), spec: null })
const pausedItem = (id: string): ReportItem => ({
  ref: syncPath(id),
  status: 'skipped',
  result: { answer: 'paused', resumeWith: `tblctl sync resume ${id}` },
})
const onBackend = (path: string, backend: string): string => {
  const { project, table } = segmentsOf(path)
  return tablePath(backend, project, table)
}
/** The same session, which its owner closes. */
const sharing = (session: Session): Session => ({ ...session, [Symbol.asyncDispose]: async () => {} })

async function targetBackend(session: Session, text: string, { directory, env }: SyncRequest) {
  const { config } = session
  if (config.backends.has(text)) return { name: text, added: null }
  const warn = (message: string): void => session.host().reporter.log('warn', message)
  const home = env.HOME ?? homedir()
  if (isBackendName(text)) {
    const beside = await backendBeside(config, text, { env, home, warn })
    if (beside) return { name: text, added: withBackend(config, beside) }
    const near = didYouMean(text, [...config.backends.keys()])
    throw fail('usage', 'unknown-backend', `there is no backend "${text}" in ${config.file}`, {
      hint: near ? `did you mean ${near}?` : `backends are ${[...config.backends.keys()].join(', ')}`,
    })
  }
  const sources = { env, directory, home, warn, drivers: { load: loadDriver } }
  const backend = await namedUrlBackend(urlTarget, text, 'flag --target', sources)
  return { name: urlTarget, added: withBackend(config, backend) }
}

/** A Harper configuration knows no backends of ours; the tblctl.yaml beside it does, and shares its catalog unless it names another. */
async function backendBeside(
  config: Config,
  name: string,
  user: Pick<Parameters<typeof loadConfig>[0], 'env' | 'home' | 'warn'>,
): Promise<BackendConfig | undefined> {
  const file = join(config.directory, 'tblctl.yaml')
  if (file === config.file || !existsSync(file)) return undefined
  const drivers = { kinds: driverKinds, load: loadDriver }
  return (await loadConfig({ ...user, flags: { config: file }, cwd: config.directory, drivers })).backends.get(name)
}

const withBackend = (config: Config, backend: BackendConfig): Config => ({
  ...config,
  backends: new Map(config.backends).set(backend.name, backend),
})
/** Name of a backend that has only a URL; no other run knows it. */
const urlTarget = 'target'

/** What the job itself does not do: its failure before there was a job is kept for `sync status`, and its table becomes known. */
async function settle(session: Session, spec: SyncSpec, item: ReportItem): Promise<void> {
  const { error, job } = item
  const catalog = session.catalog()
  if (error !== undefined && job === undefined) {
    const { actor, run } = session.host()
    if (!['busy', 'stopped', 'timeout'].includes(error.kind))
      await catalog.audit({
        ...{ run, actor, verb: syncVerb, path: syncPath(spec.id), job: null, outcome: 'failed' },
        detail: { error: { ...error } },
      })
    return
  }
  await registerTarget(session, spec, error === undefined)
}

/** Not by the sync while it runs: it holds the table itself. After a failure too, where the table was made by then. */
async function registerTarget(session: Session, { target }: SyncSpec, made: boolean): Promise<void> {
  const { backend } = segmentsOf(target)
  if (backend === urlTarget || (await session.catalog().table(target))) return
  if (!(await session.driver(backend)).can.register) return
  const report = await provision(session, 'register', [refOfPath(target)], {}, false)
  const failed = report.items[0]?.error
  if (failed && made) session.host().reporter.log('warn', `${refOfPath(target)} was not registered: ${failed.message}`)
}
