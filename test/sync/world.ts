/** A folder with two memory backends, a source table of every awkward kind of row, and syncs from one to the other. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Tblctl } from '../../src/api/open.ts'
import { microsOf } from '../../src/core/exact-time.ts'
import { cliEntry, type Ended, runChild, type Started, startChild } from '../support/child.ts'
import { type OpenIn, openIn } from '../support/open.ts'

const schema = (name: string): string => `table_name: ${name}
fields:
  - { name: id, data_type: Int64, nullable: false }
  - { name: at, data_type: 'Timestamp(Microsecond, Some("UTC"))', nullable: true }
  - { name: note, data_type: Utf8, nullable: true }
  - { name: amount, data_type: 'Decimal128(10, 2)', nullable: true }
  - { name: day, data_type: Date32, nullable: true }
`

export interface Row {
  readonly id: number
  /** Null: a row without a time. */
  readonly at: string | null
  readonly note?: string
  /** `2024-05-01` */
  readonly day?: string | null
  readonly amount?: string
}

/** Ten rows of one time (more than any page), four before 1970 that share a millisecond, three without a time. */
export const awkward: readonly Row[] = [
  ...Array.from({ length: 10 }, (_, i) => ({
    id: i,
    at: '2020-01-01T00:00:00.000001Z',
    note: `tie ${i}`,
    amount: '1.50',
  })),
  ...Array.from({ length: 4 }, (_, i) => ({ id: 10 + i, at: `1950-01-01T00:00:00.00000${i}Z`, note: 'old' })),
  ...Array.from({ length: 3 }, (_, i) => ({ id: 14 + i, at: null, note: 'no time' })),
]

const ends = 'source: src, dataset: shop'
const pages = 'batchRows: { initial: 4, catchup: 4, steady: 4 }'
export const keyed = (table: string, more = ''): string =>
  `${table}: { ${ends}, table: ${table}, timestampColumn: at, key: [id], target: dst:default/${table}, ${pages}${more} }`
export const keyless = (table: string, more = ''): string =>
  `${table}: { ${ends}, table: ${table}, timestampColumn: at, appendOnly: true, target: dst:default/${table}, ${pages}${more} }`

export class SyncWorld implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'tblctl-sync-'))
  constructor(syncs: readonly string[]) {
    mkdirSync(join(this.folder, 'schemas'))
    for (const name of ['orders', 'users', 'log', 'strict'])
      writeFileSync(join(this.folder, 'schemas', `${name}.yaml`), schema(name))
    this.configure(syncs)
  }
  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
  /** Another world that begins as this one is now. Nothing may be open in it. */
  copy(): SyncWorld {
    const world = new SyncWorld([])
    cpSync(this.folder, world.folder, { recursive: true })
    return world
  }
  configure(syncs: readonly string[]): void {
    const lines = [
      'version: 1',
      'schemas: [./schemas]',
      'backends:',
      '  src: { driver: memory, file: src.db }',
      '  dst: { driver: memory, file: dst.db }',
      'sync:',
      ...syncs.map((line) => `  ${line}`),
    ]
    writeFileSync(join(this.folder, 'tblctl.yaml'), `${lines.join('\n')}\n`)
  }
  /** A source table, with these rows. */
  async table(tblctl: Tblctl, name: string, rows: readonly Row[]): Promise<void> {
    await tblctl.provision('create', [`src:shop/${name}`], { schema: name })
    await this.add(tblctl, name, rows)
  }
  async add(tblctl: Tblctl, name: string, rows: readonly Row[]): Promise<void> {
    writeFileSync(join(this.folder, 'rows.ndjson'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    const report = await tblctl.load({
      ...{ ref: `src:shop/${name}`, inputs: ['rows.ndjson'], directory: this.folder, format: null, batchId: null },
      ...{ again: true, commitRows: null, commitBytes: null, commitMs: null, rejectTo: null, dryRun: false },
      input: (async function* () {})(),
    })
    if (report.summary.changed !== 1) throw new Error(JSON.stringify(report.items))
  }
  open(more: OpenIn = {}): Promise<Tblctl> {
    return openIn(this.folder, more)
  }
  /** The command line in a process of its own. */
  run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
    return runChild(cliEntry, args, { cwd: this.folder, env })
  }
  start(args: readonly string[], env: Record<string, string> = {}): Started {
    return startChild(cliEntry, args, { cwd: this.folder, env })
  }
  /** One statement on a database in the folder: what somebody else does to a backend. */
  sql(file: string, text: string, ...values: string[]): Record<string, any>[] {
    const db = new DatabaseSync(join(this.folder, file), { timeout: 5000 })
    try {
      return db.prepare(text).all(...values)
    } finally {
      db.close()
    }
  }
}

/** All rows of a table, ordered by id, each as `id at note amount`. */
export async function rowsOf(tblctl: Tblctl, ref: string): Promise<string[]> {
  await using rows = await tblctl.query(
    ref,
    'select id, epoch_us("at") as micros, note, amount from t order by id, note',
  )
  const lines: string[] = []
  for await (const { columns, rows: count } of rows.batches)
    for (let r = 0; r < count; r++) lines.push(columns.map((cells) => String(cells[r])).join(' '))
  return lines
}
export const linesOf = (rows: readonly Row[]): string[] =>
  rows
    .map(({ id, at, note, amount }) => `${id} ${at === null ? null : microsOf(at)} ${note ?? null} ${amount ?? null}`)
    .sort((a, b) => Number(a.split(' ')[0]) - Number(b.split(' ')[0]))
