/** doctor's checks of a lake: it is there, it can be listed and written, and two writers cannot both win. */
import { randomUUID } from 'node:crypto'
import type { Check } from '../../core/driver.ts'
import { errorView } from '../../core/errors.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import type { Locations } from './location.ts'

export async function ping(locations: Locations): Promise<readonly Check[]> {
  const stores = new Map<string, ObjectStore>()
  for (const project of ['', ...locations.projects]) stores.set(locations.root(project).url, locations.root(project))
  const checks: Check[] = []
  for (const store of stores.values())
    checks.push(
      await check(store, 'list', () => listed(store)),
      await check(store, 'write', () => writes(store)),
      await check(store, 'clock', () => clock(store)),
    )
  return checks
}

async function check(store: ObjectStore, name: string, work: () => Promise<string>): Promise<Check> {
  try {
    return { check: name, ok: true, detail: await work() }
  } catch (error) {
    const { message, hint } = errorView(error)
    return { check: name, ok: false, detail: message, fix: hint ?? `check the permissions of ${store.url}` }
  }
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
  } finally {
    await store.delete([key])
  }
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
