/** doctor's checks of a lake: it is there, it can be listed and written, and two writers cannot both win. */
import { randomUUID } from 'node:crypto'
import type { Check } from '../../core/driver.ts'
import { errorView } from '../../core/errors.ts'
import { mapBounded } from '../../core/run/pool.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import type { Locations } from './location.ts'

export async function ping(locations: Locations): Promise<readonly Check[]> {
  // A root that several projects share with the same keys is looked at once; the same url under other keys is another root.
  const roots = new Map<ObjectStore, string[]>([[locations.root(''), []]])
  for (const project of locations.projects) {
    const root = locations.root(project)
    roots.set(root, [...(roots.get(root) ?? []), project])
  }
  return (await mapBounded([...roots], rootsAtOnce, ([store, projects]) => checksOf(store, projects))).flat()
}

const rootsAtOnce = 4

async function checksOf(store: ObjectStore, projects: readonly string[]): Promise<Check[]> {
  const whose =
    projects.length === 0 ? '' : `${projects.length === 1 ? 'project' : 'projects'} ${projects.join(', ')}: `
  const checks: Check[] = []
  for (const [name, work] of Object.entries({ list: listed, write: writes, clock }))
    try {
      checks.push({ check: name, ok: true, detail: whose + (await work(store)) })
    } catch (error) {
      const { kind, message, hint } = errorView(error)
      const fix = hint ?? `check the permissions of ${store.url}`
      checks.push({ check: name, ok: false, detail: whose + message, fix })
      // Who does not answer will not answer the rest.
      if (kind === 'unreachable') break
    }
  return checks
}

async function listed(store: ObjectStore): Promise<string> {
  let projects = 0
  for await (const name of store.folders('projects')) if (!name.startsWith('_')) projects++
  return `${store.url} (${projects} projects)`
}

const probeKey = () => `projects/_tblctl-probe/${randomUUID()}`

/** The probe is what a commit does: put if absent, twice; the second must lose. */
async function writes(store: ObjectStore): Promise<string> {
  const key = probeKey()
  const bytes = new TextEncoder().encode('probe')
  try {
    const first = await store.putIfAbsent(key, bytes)
    const second = await store.putIfAbsent(key, bytes)
    if (first !== 'written' || second !== 'exists')
      throw new Error('the store lets two writers win: concurrent commits would be lost')
  } catch (error) {
    // What failed is told, not that what may never have been written cannot be deleted.
    await store.delete([key]).catch(() => undefined)
    throw error
  }
  await store.delete([key])
  return 'put-if-absent holds'
}

const tolerableSkewMs = 60_000

async function clock(store: ObjectStore): Promise<string> {
  const key = probeKey()
  await store.put(key, new Uint8Array([1]))
  const written = await store.head(key)
  await store.delete([key])
  const skew = Math.abs(Date.now() - (written?.modifiedAt.getTime() ?? Date.now()))
  if (skew > tolerableSkewMs) throw new Error(`the store's clock differs by ${Math.round(skew / 1000)} s`)
  return `in step (${skew} ms)`
}
