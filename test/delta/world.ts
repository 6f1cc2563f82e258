/** A folder with a config and a lake in it, and the verbs as the tests of the Delta driver call them. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Tblctl } from '../../src/api/open.ts'
import type { OperationReport } from '../../src/api/operate.ts'
import type { Rows } from '../../src/core/batch.ts'
import type { ReportItem } from '../../src/core/host.ts'
import { paddedVersion } from '../../src/drivers/delta/log/paths.ts'
import { type OpenIn, openIn } from '../support/open.ts'

/** Real tables that others wrote; not part of the project. */
export const sharedData = fileURLToPath(new URL('../../../shared/data', import.meta.url))
export const hasSharedData = existsSync(sharedData)

export interface LoadWith {
  readonly batchId?: string
  readonly again?: boolean
  readonly format?: 'ndjson' | 'csv' | 'parquet'
  readonly commitRows?: number
  readonly commitBytes?: number
  readonly commitMs?: number
  readonly rejectTo?: string
  readonly input?: AsyncIterable<Uint8Array>
  readonly dryRun?: boolean
  readonly mode?: 'append' | 'merge' | 'overwrite'
  readonly key?: readonly string[]
}

export async function loadInto(
  tblctl: Tblctl,
  directory: string,
  ref: string,
  inputs: readonly string[],
  more: LoadWith = {},
): Promise<ReportItem> {
  const report = await tblctl.load({
    ref,
    inputs,
    directory,
    format: more.format ?? null,
    batchId: more.batchId ?? null,
    again: more.again ?? false,
    commitRows: more.commitRows ?? null,
    commitBytes: more.commitBytes ?? null,
    commitMs: more.commitMs ?? null,
    rejectTo: more.rejectTo ?? null,
    input: more.input ?? (async function* () {})(),
    dryRun: more.dryRun ?? false,
    how: { ...(more.mode ? { mode: more.mode } : {}), ...(more.key ? { key: more.key } : {}) },
  })
  return report.items[0]!
}

export class Lake implements AsyncDisposable {
  readonly folder: string
  private readonly opened: Tblctl[] = []
  /** `schemas`: YAML texts by name, beside the ones that ship. */
  constructor(schemas: Readonly<Record<string, string>> = {}) {
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), 'tblctl-lake-')))
    mkdirSync(join(this.folder, 'schemas'))
    for (const [name, text] of Object.entries(schemas)) this.write(`schemas/${name}.yaml`, text)
    this.write(
      'tblctl.yaml',
      'version: 1\nschemas: [./schemas]\nbackends:\n  lake: { driver: delta, url: "file:./lake" }\n',
    )
  }
  path(name: string): string {
    return join(this.folder, name)
  }
  write(name: string, content: string | Uint8Array): string {
    mkdirSync(dirname(this.path(name)), { recursive: true })
    writeFileSync(this.path(name), content)
    return name
  }
  rows(name: string, rows: readonly object[]): string {
    return this.write(name, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  }
  /** A writable copy of a table that others wrote. */
  copyIn(source: string, name: string): string {
    cpSync(source, this.path(name), { recursive: true })
    return this.path(name)
  }
  async open(more: OpenIn = {}): Promise<Tblctl> {
    const tblctl = await openIn(this.folder, more)
    this.opened.push(tblctl)
    return tblctl
  }
  /** Folder of a table at its derived place. */
  table(name: string, project = 'acme'): string {
    return this.path(`lake/projects/${project}/${name}`)
  }
  async [Symbol.asyncDispose](): Promise<void> {
    for (const tblctl of this.opened) await tblctl[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export const create = async (tblctl: Tblctl, ref: string, schema: string, location: string | null = null) =>
  only(await tblctl.provision('create', [ref], { schema, location, labels: {} }))
export const register = async (tblctl: Tblctl, ref: string, location: string | null = null) =>
  only(await tblctl.provision('register', [ref], { location, labels: {} }))
export const optimize = async (tblctl: Tblctl, ref: string, targetSize: number | null = null) =>
  only(await tblctl.operate('optimize', { refs: [ref] }, { targetSize }))
const only = (report: OperationReport): ReportItem => report.items[0]!

export async function rowsOf(tblctl: Tblctl, ref: string, sql: string): Promise<unknown[][]> {
  await using rows: Rows = await tblctl.query(ref, sql)
  const found: unknown[][] = []
  for await (const batch of rows.batches)
    for (let r = 0; r < batch.rows; r++) found.push(batch.columns.map((column) => column[r]))
  return found
}
/** Rows and an order-independent hash over all columns, by our own query. */
export async function contentOf(tblctl: Tblctl, ref: string): Promise<{ rows: number; hash: string }> {
  const [row] = await rowsOf(
    tblctl,
    ref,
    "select count(*), coalesce(bit_xor(hash(t::varchar)), 0)::varchar || ' ' || coalesce(sum(hash(t::varchar)), 0)::varchar from t",
  )
  return { rows: Number(row![0]), hash: String(row![1]) }
}

export type LogAction = Record<string, any>
/** Actions of every commit in a table's log, by version. */
export function logOf(table: string): LogAction[][] {
  const folder = join(table, '_delta_log')
  const names = readdirSync(folder).filter((name) => /^\d{20}\.json$/.test(name))
  return names.sort().map((name) =>
    readFileSync(join(folder, name), 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => JSON.parse(line) as LogAction),
  )
}
/** Another writer's commit, as the next version. */
export function commitAs(table: string, actions: readonly object[]): number {
  const version = logOf(table).length
  const file = join(table, '_delta_log', `${paddedVersion(version)}.json`)
  writeFileSync(file, actions.map((action) => `${JSON.stringify(action)}\n`).join(''), { flag: 'wx' })
  return version
}
export const liveOf = (table: string): LogAction[] => {
  const live = new Map<string, LogAction>()
  for (const actions of logOf(table))
    for (const { add, remove } of actions) {
      if (remove) live.delete(remove.path)
      if (add) live.set(add.path, add)
    }
  return [...live.values()]
}
/** Parquet files on the disk that no commit has ever named, and what killed or failed writes left: relative paths. */
export function orphansOf(table: string): string[] {
  if (!existsSync(table)) return []
  const named = new Set(
    logOf(table).flatMap((actions) => actions.flatMap((a) => (a.add ? [decodeURIComponent(a.add.path)] : []))),
  )
  return readdirSync(table, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(table.length + 1))
    .filter((path) => !path.startsWith('_delta_log/') && !named.has(path))
}
