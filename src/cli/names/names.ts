/** Names for completion, from the local config, catalog and schema folders: no backend, no network, nothing written. */
import { readdir } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { isSegment, refOfPath, segmentsOf } from '../../core/ref.ts'
import type { Services } from '../services.ts'
import { readOutline } from './config.ts'

type Names = Services['names']

/** src/cli/names and dist/cli/names lie equally deep. */
const shippedSchemas = fileURLToPath(new URL('../../../schemas/', import.meta.url))

/** Sorted. Never throws: what cannot be read has no names. */
export const localNames: Names = async (what, from) => {
  const outline = await readOutline(from).catch(() => null)
  const names = await namesOf(what, outline).catch(() => [])
  return [...new Set(names)].sort()
}

async function namesOf(
  what: Parameters<Names>[0],
  outline: Awaited<ReturnType<typeof readOutline>> | null,
): Promise<readonly string[]> {
  switch (what) {
    case 'schema':
      return schemasIn([shippedSchemas, ...(outline?.schemaFolders ?? [])])
    case 'backend':
      return outline?.backends ?? []
    case 'context':
      return outline?.contexts ?? []
    case 'table':
      return outline === null ? [] : tablePaths(outline.catalog).map((path) => refOfPath(path))
    case 'project':
      return outline === null ? [] : tablePaths(outline.catalog).map((path) => segmentsOf(path).project)
  }
}

/** Read-only: a catalog of another version is neither made nor migrated by pressing TAB. */
function tablePaths(catalog: string): string[] {
  const db = new DatabaseSync(catalog, { readOnly: true, timeout: 50 })
  try {
    return db
      .prepare(`select path from tables where state = 'active' order by path`)
      .all()
      .map((row) => String(row.path))
  } finally {
    db.close()
  }
}

async function schemasIn(folders: readonly string[]): Promise<string[]> {
  const lists = folders.map((folder) => readdir(folder).catch(() => []))
  return (await Promise.all(lists))
    .flat()
    .flatMap((base) => /^(.+)\.ya?ml$/.exec(base)?.[1] ?? [])
    .filter(isSegment)
}
