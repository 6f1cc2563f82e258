/** A folder with one backend of user tables, and the verbs as these tests call them. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Tblctl } from '../../src/api/open.ts'
import type { OperationReport } from '../../src/api/operate.ts'
import type { Cell } from '../../src/core/batch.ts'
import type { TableDefinition } from '../../src/core/table-definition.ts'
import { HotStore } from '../../src/drivers/user-tables/store.ts'
import { cliEntry, type Ended, runChild } from '../support/child.ts'
import { type OpenIn, openIn } from '../support/open.ts'

export const ref = 'p:chat/messages'

export const columns = (...all: readonly (readonly [name: string, type: string])[]): TableDefinition => ({
  kind: 'user',
  columns: all.map(([name, type]) => ({ name, type, nullable: true, default: null })),
  primaryKey: [],
  unique: [],
})
export const messages = columns(['id', 'BIGINT'], ['body', 'TEXT'])

export class World implements AsyncDisposable {
  readonly folder: string
  private opened: Tblctl | null = null
  constructor(folder = mkdtempSync(join(tmpdir(), 'tblctl-user-tables-'))) {
    this.folder = folder
    this.write(
      'tblctl.yaml',
      'version: 1\nbackends: { p: { driver: user-tables, hot: hot.db, location: "file:./u/${user_id}/tables" } }\n',
    )
  }
  file(name: string): string {
    return join(this.folder, name)
  }
  write(name: string, text: string): string {
    writeFileSync(this.file(name), text)
    return name
  }
  /** Another world that begins as this one is. */
  async copy(): Promise<World> {
    await this.close()
    const folder = mkdtempSync(join(tmpdir(), 'tblctl-user-tables-'))
    cpSync(this.folder, folder, { recursive: true })
    return new World(folder)
  }
  open(more: OpenIn = {}): Promise<Tblctl> {
    return openIn(this.folder, more)
  }
  async tblctl(): Promise<Tblctl> {
    this.opened ??= await this.open()
    return this.opened
  }
  async close(): Promise<void> {
    await this.opened?.[Symbol.asyncDispose]()
    this.opened = null
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
  /** The real command line, in a process of its own. */
  run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
    return runChild(cliEntry, args, { cwd: this.folder, env })
  }
  /** The hot store, behind the driver's back. */
  store<T>(use: (store: HotStore) => T): T {
    const store = new HotStore(this.file('hot.db'))
    try {
      return use(store)
    } finally {
      store.close()
    }
  }

  async create(
    definition: TableDefinition = messages,
    settings: object = {},
    at = ref,
    location: string | null = null,
  ) {
    const options = { definition, settings, location, labels: {} }
    return (await this.tblctl()).provision('create', [at], options)
  }
  async sql(as: string, statement: string): Promise<OperationReport> {
    return (await this.tblctl()).operate('mutate', { refs: [ref] }, { statement, as })
  }
  async load(as: string, rows: readonly object[], batchId: string | null = null): Promise<OperationReport> {
    this.write('rows.ndjson', rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    return (await this.tblctl()).load({
      ref,
      inputs: ['rows.ndjson'],
      directory: this.folder,
      format: null,
      batchId,
      again: false,
      commitRows: null,
      commitBytes: null,
      commitMs: null,
      rejectTo: null,
      as,
      input: (async function* () {})(),
      dryRun: false,
    })
  }
  async flush(as: string | null = null): Promise<OperationReport> {
    return (await this.tblctl()).operate('flush', { refs: [ref] }, { as })
  }
  async optimize(): Promise<OperationReport> {
    return (await this.tblctl()).operate('optimize', { refs: [ref] }, {})
  }
  async rows(as: string, sql = 'select id, body from t order by all'): Promise<Cell[][]> {
    await using rows = await (await this.tblctl()).query(ref, sql, { as })
    const all: Cell[][] = []
    for await (const batch of rows.batches)
      for (let r = 0; r < batch.rows; r++) all.push(batch.columns.map((column) => column[r]!))
    return all
  }
  async status() {
    return (await (await this.tblctl()).stats({ refs: [ref] }, true))[0]!.status
  }
}
