/** scan: every table of every dataset, by two kinds of listing; no table is opened. Names that no ref can hold are left out. */
import type { Observed } from '../../core/driver.ts'
import { errorView } from '../../core/errors.ts'
import type { ReadContext } from '../../core/operation.ts'
import { isSegment, tablePath } from '../../core/ref.ts'
import type { Warehouse } from './table.ts'

export async function* scan(
  { projectId, requests }: Warehouse,
  backend: string,
  wanted: string | undefined,
  ctx: ReadContext,
): AsyncIterable<Observed> {
  for await (const dataset of wanted === undefined ? requests.datasets(ctx) : [wanted]) {
    if (!isSegment(dataset)) continue
    try {
      for await (const { id, type } of requests.tables(dataset, ctx))
        if (isSegment(id))
          yield {
            path: tablePath(backend, dataset, id),
            location: `${projectId}.${dataset}.${id}`,
            // A listing tells no change: tables.get does, table by table.
            marker: null,
            schemaHash: null,
            facts: { type },
          }
    } catch (error) {
      // Dropped since it was listed, or never there.
      if (errorView(error).kind !== 'missing') throw error
    }
  }
}
