/**
 * May a project have a table at a place that its user named? Buckets that projects bring keep tenants apart: nobody's table is put among
 * the tables of a root that belongs to others, nor beside or inside of a table that is there.
 */
import { errorView, fail } from '../../core/errors.ts'
import { type Path, printable } from '../../core/ref.ts'
import type { Location, Locations } from './location.ts'
import { logFolder } from './log/paths.ts'

const isWithin = (url: string, folder: string): boolean => url === folder || url.startsWith(`${folder}/`)

/**
 * Throws `refused`/`place-of-others` for a place below the `projects/` of another root, or of another project in the own one. Projects
 * without a root of their own share the backend's, all of it.
 */
export function requireOwnPlace(locations: Locations, project: string, { url }: Location): void {
  const shared = locations.root('').url
  const home = locations.root(project).url
  const hasOwn = locations.projects.includes(project)
  if (hasOwn && isWithin(url, `${home}/projects/${project}`)) return
  for (const other of ['', ...locations.projects]) {
    const root = locations.root(other).url
    if (root === home && !hasOwn) continue
    // A root inside of another one is its own.
    if (root !== home && isWithin(home, `${root}/projects`) && isWithin(url, home)) continue
    if (!isWithin(url, `${root}/projects`)) continue
    const whose = root === shared ? 'the backend' : `project ${printable(other)}`
    throw fail('refused', 'place-of-others', `${printable(url)} is a place for other tables of ${whose}`, {
      where: url,
      hint: hasOwn
        ? `project ${printable(project)} has a root of its own: leave --location out, or name a place outside of every projects/ folder`
        : 'leave --location out, or name a place outside of every projects/ folder',
    })
  }
}

/** Throws `refused`/`nested-table` when a new table would lie inside of one that is there, or around one. */
export async function requireApart(locations: Locations, path: Path, location: Location): Promise<void> {
  await requireOutside(locations, path, location)
  const { url, store, prefix } = location
  let looked = 0
  for await (const { key } of store.list(prefix)) {
    const inner = /^(.+)\/_delta_log\//.exec(prefix === '' ? key : key.slice(prefix.length + 1))?.[1]
    if (inner !== undefined) throw nested(url, 'around', `${url}/${inner}`)
    if (++looked === mostLooked) return
  }
}

/** Throws `refused`/`nested-table` when a new table would lie inside of one that is there. */
export async function requireOutside(locations: Locations, path: Path, { url }: Location): Promise<void> {
  for (const outer of foldersAround(url))
    if (await holdsLog(locations.of({ path, spec: null }, outer))) throw nested(url, 'inside', outer)
}

/** What keys may not look into is not theirs to keep apart from. */
async function holdsLog({ store, prefix }: Location): Promise<boolean> {
  try {
    for await (const _ of store.list(logFolder(prefix))) return true
  } catch (error) {
    if (errorView(error).kind !== 'denied') throw error
  }
  return false
}

/** A page of a listing; the catalog knows those tables that matter (api/provision.ts). */
const mostLooked = 1000

/** Every folder above, the bucket too, from the nearest. */
function foldersAround(url: string): string[] {
  const folders: string[] = []
  const top = /^s3:\/\/[^/]+|^file:\/\//.exec(url)![0]
  for (let folder = url; folder.length > top.length; ) {
    folder = folder.slice(0, folder.lastIndexOf('/'))
    if (folder.length > 'file://'.length) folders.push(folder)
  }
  return folders
}

const nested = (url: string, how: 'inside' | 'around', other: string): Error =>
  fail('refused', 'nested-table', `${printable(url)} lies ${how} the Delta table at ${printable(other)}`, {
    where: url,
    hint: 'choose a place beside it: what maintains one table would meet the files of the other',
  })
