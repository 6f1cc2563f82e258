/** scan: every user table of the backend, one query. */
import { createHash } from 'node:crypto'
import type { Observed } from '../../core/driver.ts'
import { factsBelow } from './facts.ts'
import type { Home } from './table.ts'

export async function* scan({ store }: Home, backend: string, project: string | undefined): AsyncIterable<Observed> {
  const prefix = `${project === undefined ? backend : `${backend}/${project}`}/`
  for (const { path, definition, facts } of factsBelow(store, prefix)) {
    const { marker, ...figures } = facts
    const { location } = JSON.parse(definition) as { location: string | null }
    const schemaHash = createHash('sha256').update(definition).digest('hex').slice(0, 16)
    yield { path, location, marker, schemaHash, facts: figures }
  }
}
