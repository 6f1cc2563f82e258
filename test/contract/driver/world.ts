/** A folder with a config, table schemas and input files, and ways to look at all of it from outside. */
import { createHash, randomUUID } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import type { Tblctl } from '../../../src/api/open.ts'
import { openSqliteCatalog } from '../../../src/catalog/sqlite.ts'
import type { Cell } from '../../../src/core/batch.ts'
import type { Catalog, Job, LeaseMode, LeaseRow } from '../../../src/core/catalog.ts'
import type { Verb } from '../../../src/core/driver.ts'
import type { Field } from '../../../src/core/types.ts'
import { type ContentHash, contentHash } from '../../../src/engine/content-hash.ts'
import { openEngine } from '../../../src/engine/engine.ts'
import { quotePath } from '../../../src/engine/sql-text.ts'
import { thisOwner } from '../../../src/jobs/owner.ts'
import { openRegistry } from '../../../src/schemas/registry.ts'
import { type Ended, runChild } from '../../support/child.ts'
import { type OpenIn, openIn } from '../../support/open.ts'
import { asUser } from './calls.ts'
import { csvRows, ndjsonRows, parquetRows, schemas } from './inputs.ts'

export interface DriverUnderTest {
  /** The driver's kind in the registry. */
  readonly kind: string
  /** What it must be able to do. A verb that it lost would otherwise only leave its tests out. */
  readonly verbs: readonly Verb[]
  /** Told apart in the output where one driver is tested over several engines: `clickhouse over HTTP`. Default: the kind. */
  readonly name?: string
  /** The backend `lake` of the config, in YAML's flow form. */
  readonly backend: string
  /** What the backend keeps outside of the world's folder. Absent: all of it lies there. */
  readonly outside?: Outside
  /** For child processes, beside PATH and HOME: credentials that an SDK looks for itself. */
  readonly env?: Readonly<Record<string, string>>
  /**
   * Makes a table without rows, columns `id Int64 not null` and `note Utf8`, in the backend without tblctl's catalog learning of it.
   * Null when the backend cannot be written from outside.
   */
  readonly makeOutside: ((directory: string, project: string, table: string) => Promise<void>) | null
  /**
   * What a cancelled `create` leaves in the backend: nothing, or an empty table that nobody has registered (where the backend has no safe way
   * to take a table away that another program may be writing to already).
   */
  readonly cancelledCreate: 'gone' | 'empty'
  /** What optimize makes less of; `space`: SQL engines count no files. Default: files. */
  readonly optimizes?: 'files' | 'space'
  /** Whose rows the suite loads and reads, where rows belong to users (`Traits.users`). */
  readonly as?: string
  /** Columns that the driver adds behind those that were asked for; an export leaves them out. */
  readonly systemColumns?: readonly Field[]
  /** The days since 1970 that a Date32 holds, where they are fewer than the calendar has; others must be refused when they are loaded. */
  readonly dates?: { readonly min: number; readonly max: number }
  /** Verbs whose dry runs need more than the suite's tables; the driver's own tests look at them. */
  readonly plannedElsewhere?: readonly Verb[]
  /** Kill at every k-th durable step, the first and the last always: where each step is slow and another suite kills at all of them. Default 1. */
  readonly killEvery?: number
  /** Rows are there for the next process. Without it everything that needs a second one is left out. */
  readonly survives: boolean
}

/** A bucket, a server's databases: each world has a part of its own there, named after its folder, and no other world touches it. */
export interface Outside {
  /** The backend's config of this world, in YAML's flow form. */
  backend(folder: string): string
  /** Makes the part of `to` hold what that of `from` holds, and nothing else. `saved` folders are worlds in this respect. */
  copy(from: string, to: string): Promise<void>
  /** Missing is no error. */
  remove(folder: string): Promise<void>
  /** All that is there, by name: equal when nothing changed. */
  fingerprint(folder: string): Promise<Readonly<Record<string, string>>>
}

const program = fileURLToPath(new URL('../program.ts', import.meta.url))

export class World implements AsyncDisposable {
  readonly folder: string
  readonly under: DriverUnderTest
  constructor(folder: string, under: DriverUnderTest) {
    this.folder = folder
    this.under = under
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.under.outside?.remove(this.folder)
    rmSync(this.folder, { recursive: true, force: true })
  }

  static async make(under: DriverUnderTest): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), 'tblctl-driver-'))
    const world = new World(folder, under)
    world.configure()
    mkdirSync(join(folder, 'schemas'))
    for (const [name, text] of Object.entries(schemas)) writeFileSync(join(folder, 'schemas', `${name}.yaml`), text)
    writeFileSync(join(folder, 'a.ndjson'), ndjsonRows)
    writeFileSync(join(folder, 'b.csv'), csvRows)
    await using engine = await openEngine({ scratch: join(folder, 'scratch') })
    await engine.run(`COPY (${parquetRows}) TO ${quotePath(join(folder, 'c.parquet'))} (FORMAT parquet)`)
    return world
  }
  /** `more`: further backends, a line each. */
  configure(more: readonly string[] = []): void {
    const lines = ['version: 1', 'schemas: [./schemas]', 'backends:', `  lake: ${this.backend}`, ...more]
    writeFileSync(join(this.folder, 'tblctl.yaml'), `${lines.join('\n')}\n`)
  }
  /** The backend `lake`, in YAML's flow form. */
  get backend(): string {
    return this.under.outside?.backend(this.folder) ?? this.under.backend
  }
  /** Another world that begins as this one is now. Nothing may be open in it, and no table made. */
  async copy(): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), 'tblctl-driver-'))
    cpSync(this.folder, folder, { recursive: true })
    await this.under.outside?.copy(this.folder, folder)
    const world = new World(folder, this.under)
    world.configure()
    return world
  }
  /** As it is now, to begin from again and again in the same place, because paths may be absolute. Nothing may be open in it. */
  async save(): Promise<AsyncDisposable & { restore(): Promise<World> }> {
    const { folder, under } = this
    const saved = mkdtempSync(join(tmpdir(), 'tblctl-driver-saved-'))
    cpSync(folder, saved, { recursive: true })
    await under.outside?.copy(folder, saved)
    return {
      restore: async () => {
        rmSync(folder, { recursive: true, force: true })
        cpSync(saved, folder, { recursive: true })
        await under.outside?.copy(saved, folder)
        return new World(folder, under)
      },
      [Symbol.asyncDispose]: async () => {
        await under.outside?.remove(saved)
        rmSync(saved, { recursive: true, force: true })
      },
    }
  }

  file(name: string): string {
    return join(this.folder, name)
  }
  write(name: string, text: string): string {
    writeFileSync(this.file(name), text)
    return name
  }
  async open(more: OpenIn = {}): Promise<Tblctl> {
    const tblctl = await openIn(this.folder, more)
    return this.under.as === undefined ? tblctl : asUser(tblctl, this.under.as)
  }
  catalog(): Catalog {
    return openSqliteCatalog(this.file('.tblctl/catalog.db'))
  }
  schema(name: string) {
    return openRegistry([this.file('schemas')]).get(name)
  }
  /** One call of the service layer in a process of its own (program.ts). */
  run(call: readonly unknown[], env: Record<string, string> = {}): Promise<Ended> {
    const as = this.under.as === undefined ? {} : { CONTRACT_AS: this.under.as }
    return runChild(program, [JSON.stringify(call)], { cwd: this.folder, env: { ...this.under.env, ...as, ...env } })
  }

  async jobs(path?: string): Promise<Job[]> {
    await using catalog = this.catalog()
    return Array.fromAsync(catalog.jobs(path === undefined ? {} : { path }))
  }
  /** What any process holds now. */
  async leases(): Promise<readonly LeaseRow[]> {
    await using catalog = this.catalog()
    return await catalog.leases()
  }
  /** A live process that is doing something else with the table: this one, under another name. */
  async hold(path: string, mode: LeaseMode): Promise<AsyncDisposable> {
    const catalog = this.catalog()
    const plan = { changes: 1, risk: 'routine', summary: [], basis: {}, leases: [{ path, mode }] } as const
    const of = { subject: 'table', path, key: 'k', version: 1, hold: 'run', options: {}, plan, actor: 'me' } as const
    const lease = await catalog.begin({ id: `held-${mode}`, run: 'r', verb: 'hold', ...of }, thisOwner(), 60_000)
    if (lease.is !== 'held') throw new Error(`cannot hold ${path}: ${JSON.stringify(lease)}`)
    return {
      [Symbol.asyncDispose]: async () => {
        await catalog.release(lease.fence)
        await catalog[Symbol.asyncDispose]()
      },
    }
  }

  /** Everything that is there: files by their bytes, SQLite databases by their rows (their files change when nothing does). */
  async fingerprint(): Promise<Record<string, string>> {
    const found: Record<string, string> = { ...(await this.under.outside?.fingerprint(this.folder)) }
    for (const entry of readdirSync(this.folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || /-(wal|shm)$/.test(entry.name)) continue
      const file = join(entry.parentPath, entry.name)
      found[file.slice(this.folder.length + 1)] = entry.name.endsWith('.db') ? dump(file) : digest(readFileSync(file))
    }
    return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

function dump(file: string): string {
  const db = new DatabaseSync(file, { timeout: 5000 })
  try {
    const tables = db.prepare(`select name from sqlite_master where type = 'table' order by name`).all()
    return JSON.stringify(
      tables.map(({ name }) => [
        name,
        db
          .prepare(`select * from "${name}"`)
          .all()
          .map((row) => JSON.stringify(row))
          .sort(),
      ]),
    )
  } finally {
    db.close()
  }
}

/** Count and order-independent hash of a table's rows, through an export. */
export async function contentOf(tblctl: Tblctl, ref: string, world: World): Promise<ContentHash> {
  const out = world.file(`content-${randomUUID()}.parquet`)
  await tblctl.export(ref, { format: 'parquet', out })
  try {
    await using engine = await openEngine({ scratch: world.file('scratch') })
    const { schema } = await tblctl.describe(ref)
    const system = (world.under.systemColumns ?? []).map(({ name }) => name)
    const columns = schema.fields.filter(({ name }) => !system.includes(name))
    const select = `SELECT * FROM read_parquet(${quotePath(out)})`
    const fields = columns.map((field) => ({ name: field.name, type: { kind: 'Utf8' as const }, nullable: true }))
    return await contentHash(engine, select, fields)
  } finally {
    rmSync(out, { force: true })
  }
}

/** All rows of a query, row-major. */
export async function rowsOf(tblctl: Tblctl, ref: string, sql: string): Promise<Cell[][]> {
  await using rows = await tblctl.query(ref, sql)
  const all: Cell[][] = []
  for await (const batch of rows.batches)
    for (let r = 0; r < batch.rows; r++) all.push(batch.columns.map((column) => column[r]!))
  return all
}
export const countOf = async (tblctl: Tblctl, ref: string): Promise<number> =>
  Number((await rowsOf(tblctl, ref, 'select count(*) as n from t'))[0]![0])
