/** One table of the warehouse: a project of tblctl is a dataset, a table is a table. */
import { fail } from '../../core/errors.ts'
import type { ReadContext } from '../../core/operation.ts'
import { type Path, refOfPath, segmentsOf } from '../../core/ref.ts'
import type { Requests, TableResource } from './requests.ts'
import type { FieldSchema } from './types.ts'

export interface Warehouse {
  readonly projectId: string
  readonly requests: Requests
}

/** `tables.get`. Throws `missing` by the table's ref. */
export async function openTable(
  { projectId, requests }: Warehouse,
  path: Path,
  ctx: ReadContext,
): Promise<TableResource> {
  const { project, table } = segmentsOf(path)
  try {
    return await requests.table(project, table, ctx)
  } catch (error) {
    if ((error as { view?: { kind: string } }).view?.kind !== 'missing') throw error
    throw fail(
      'missing',
      'table-not-found',
      `there is no table ${projectId}.${project}.${table} (${refOfPath(path)})`,
      {
        hint: 'tblctl list --live shows what the project holds',
        cause: error,
      },
    )
  }
}

export const schemaOf = (table: TableResource): readonly FieldSchema[] => table.schema?.fields ?? []

/** What the API counts: without the rows of the streaming buffer. Views and external tables have no counts. */
export function countsOf(table: TableResource): {
  status: { rows: number | null; bytes: number | null; source: 'exact' | 'estimate' }
  unknown: Record<string, string>
} {
  const { streamingBuffer: buffer } = table
  if (table.numRows === undefined || (table.type ?? 'TABLE') !== 'TABLE')
    return {
      status: { rows: null, bytes: null, source: 'exact' },
      unknown: Object.fromEntries(
        ['rows', 'bytes'].map((name) => [
          name,
          `BigQuery counts nothing for a ${(table.type ?? 'table').toLowerCase()}`,
        ]),
      ),
    }
  return {
    status: {
      rows: Number(table.numRows) + Number(buffer?.estimatedRows ?? 0),
      bytes: Number(table.numBytes ?? 0) + Number(buffer?.estimatedBytes ?? 0),
      source: buffer ? 'estimate' : 'exact',
    },
    unknown: {},
  }
}

export const timeOf = (milliseconds: string | undefined): string | null =>
  milliseconds === undefined ? null : new Date(Number(milliseconds)).toISOString()
