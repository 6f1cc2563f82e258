/** A front with a project, tables in it, and the driver on top, without the service layer. */
import type { Cell } from '../../src/core/batch.ts'
import type { Driver } from '../../src/core/driver.ts'
import type { ReadContext } from '../../src/core/operation.ts'
import type { Cursor, Page, SourceFacts, SourceTable, SyncSource } from '../../src/core/sync.ts'
import { bigqueryConfig } from '../../src/drivers/bigquery/config.ts'
import { openBigQueryDriver } from '../../src/drivers/bigquery/driver.ts'
import type { StoredTable } from '../servers/bigquery/store.ts'
import type { Field } from '../servers/bigquery/values.ts'
import type { BigQueryFront } from '../servers/bigquery-front.ts'

export type Row = Readonly<Record<string, unknown>>

export function context(signal = new AbortController().signal, run = 'Run.1'): ReadContext {
  return {
    signal,
    run,
    records: { get: async () => undefined, list: async function* () {} },
    now: () => new Date(),
    report: () => {},
    log: () => {},
  }
}

/** Waits of no length: what is tried again is tried again at once. */
const atOnce = { tries: 4, answer: 10_000, first: 0, longest: 0 }

export interface OpenWith {
  readonly config?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
  readonly answer?: number
}
export function openDriver(
  front: BigQueryFront,
  project = 'p',
  { config, env = {}, answer = atOnce.answer }: OpenWith = {},
): Driver {
  const parsed = bigqueryConfig.parse({ projectId: project, apiEndpoint: front.endpoint, ...config })
  return openBigQueryDriver('warehouse', parsed, { directory: '/', env } as never, { ...atOnce, answer })
}
export const sourceOf = (driver: Driver): SyncSource => driver.can['sync.source']!

/** A table `d.NAME` of project `p`, anew. */
export function makeTable(
  front: BigQueryFront,
  name: string,
  fields: readonly Field[],
  rows: readonly Row[] = [],
  more: Row = {},
): StoredTable {
  if (!front.store.datasets('p').has('d')) front.store.createDataset('p', 'd', 'EU')
  if (front.store.dataset('p', 'd').tables.has(name)) front.store.deleteTable('p', 'd', name)
  const table = front.store.createTable('p', 'd', name, { schema: { fields }, ...more })
  table.append(rows.map((json) => ({ json })))
  return table
}

export const source = (table: string, more: Partial<SourceTable> = {}): SourceTable => ({
  dataset: 'd',
  table,
  timestampColumn: 'ts',
  columns: null,
  key: null,
  appendOnly: false,
  ...more,
})

export const firstTime: Cursor = { lane: 'time', time: null, key: null }
export const firstNull: Cursor = { lane: 'null', time: null, key: null }

/** Every page of one lane. */
export async function pagesOf(
  port: SyncSource,
  table: SourceTable,
  from: Cursor,
  limit: { readonly rows: number; readonly bytes?: number },
  facts?: SourceFacts,
): Promise<Page[]> {
  const known = facts ?? (await port.inspect(table, context()))
  const bounds = { rows: limit.rows, bytes: limit.bytes ?? Number.POSITIVE_INFINITY }
  const pages: Page[] = []
  for (let at = from; ; ) {
    const page = await port.page(table, known, at, known.highWater, bounds, context())
    pages.push(page)
    if (!page.more) return pages
    at = page.next
  }
}

export const rowsOfPage = ({ batch }: Page): Cell[][] =>
  Array.from({ length: batch.rows }, (_, r) => batch.columns.map((column) => column[r]!))
export const rowsOfPages = (pages: readonly Page[]): Cell[][] => pages.flatMap(rowsOfPage)
