/** Where tables lie: `{url}/projects/{project}/{table}`, a project's own root, or a place that the user named. */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fail } from '../../core/errors.ts'
import type { Subject } from '../../core/operation.ts'
import { type Path, printable, refOfPath, segmentsOf } from '../../core/ref.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { parseS3Url } from '../../storage/s3-place.ts'
import type { DeltaConfig, DeltaPlace } from './config.ts'

export interface Location {
  readonly store: ObjectStore
  /** Key of the table's folder below the store's root; '' when the root is the table. */
  readonly prefix: string
  /** `file:///…` or `s3://…`, without a trailing slash. */
  readonly url: string
}

export interface Locations {
  /** The root that a project's tables are derived from. */
  root(project: string): ObjectStore
  /** Roots of their own, by project. */
  readonly projects: readonly string[]
  /** Of a table that is registered, or about to be: at `explicit`, else at its spec's location, else derived from its ref. */
  of(subject: Pick<Subject, 'path' | 'spec'>, explicit?: string | null): Location
}

/** `root`: an absolute path, or an `s3://` URL that `place` says how to reach. */
export type OpenStore = (root: string, place: DeltaPlace) => ObjectStore

/** `directory`: what relative locations count from, those in the config and those that a user names. */
export function openLocations(config: DeltaConfig, directory: string, openStore: OpenStore): Locations {
  const stores = new Map<string, ObjectStore>()
  const open = (url: string, place: DeltaPlace): ObjectStore => {
    const root = isS3(url) ? parseS3Url(url).url : localPathOf(url, directory)
    const key = isS3(url) ? JSON.stringify([root, place]) : root
    const store = stores.get(key) ?? openStore(root, place)
    stores.set(key, store)
    return store
  }
  const own = ownPlaces(config)
  const placeOf = (project: string): DeltaPlace => own.get(project) ?? config
  const root = (project: string) => open(placeOf(project).url, placeOf(project))
  return {
    root,
    projects: [...own.keys()],
    of({ path, spec }, explicit) {
      const { project } = segmentsOf(path)
      const url = explicit ?? spec?.location ?? null
      if (url === null) {
        const store = root(project)
        const prefix = derivedPrefix(path)
        return { store, prefix, url: `${store.url}/${prefix}` }
      }
      if (!isS3(url)) {
        const store = open(url, placeOf(project))
        return { store, prefix: '', url: store.url }
      }
      // Below the project's root it is one store with the rest: what is known of the root holds for it.
      const { url: full } = parseS3Url(url)
      const home = isS3(placeOf(project).url) ? root(project) : undefined
      if (home && full.startsWith(`${home.url}/`))
        return { store: home, prefix: full.slice(home.url.length + 1), url: full }
      return { store: open(full, reachedAs(placeOf(project), config)), prefix: '', url: full }
    },
  }
}

const isS3 = (url: string): boolean => /^s3:/i.test(url)

/**
 * A project's root says how its bucket is reached. What it leaves out is the backend's, but keys that belong to one service are never
 * shown to another: with an endpoint of its own it has everything of its own.
 */
function ownPlaces(config: DeltaConfig): ReadonlyMap<string, DeltaPlace> {
  return new Map(
    Object.entries(config.projects ?? {}).map(([project, place]) => {
      if (!isS3(place.url) || !isS3(config.url) || place.endpoint !== undefined) return [project, place]
      const { endpoint, region, forcePathStyle, credentials } = config
      return [project, { endpoint, region, forcePathStyle, credentials, ...place }]
    }),
  )
}

/** A bucket that the user named is reached as the project's own is, else as the backend's, else as the SDK's settings say. */
function reachedAs(place: DeltaPlace, config: DeltaConfig): DeltaPlace {
  return isS3(place.url) ? place : config
}

/** Readers of the Spark family skip folders that begin with `_`; and `_delta_log` would make its parent a table. */
function derivedPrefix(path: Path): string {
  const { project, table } = segmentsOf(path)
  for (const name of [project, table])
    if (name.startsWith('_'))
      throw fail(
        'usage',
        'bad-ref',
        `"${printable(name)}" in ${refOfPath(path)} cannot name a folder of a Delta lake: it begins with "_"`,
        {
          hint: 'choose another name, or a place of its own with --location',
        },
      )
  return `projects/${project}/${table}`
}

/**
 * `file:///…` is a URL, percent-encoded. `file:/…`, `file:./…` and a bare path are paths as they are written, so that a folder named
 * `100%` needs no thought.
 */
function localPathOf(url: string, directory: string): string {
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:/.test(url)) return pathOf(url, url, directory)
  if (!/^file:/i.test(url))
    throw fail('usage', 'bad-location', `"${printable(url)}" is no place that this version can reach`, {
      hint: 'use a folder or a bucket: file:/path/to/table, s3://bucket/path',
    })
  const rest = url.slice('file:'.length)
  if (!rest.startsWith('//')) return pathOf(rest, url, directory)
  const { path, search, hash } = partsOf(url)
  if (search === '' && hash === '') return pathOf(path, url, directory)
  throw badLocation(url, 'has a "?" or "#", which ends the path of a URL', 'write %3F or %23, or file:/path/to/table')
}

function partsOf(url: string): { path: string; search: string; hash: string } {
  try {
    const { search, hash } = new URL(url)
    return { path: fileURLToPath(url), search, hash }
  } catch (cause) {
    throw badLocation(url, 'is no file URL of this machine', 'write file:/path/to/table', cause)
  }
}

function pathOf(path: string, url: string, directory: string): string {
  if (path === '') throw badLocation(url, 'names no folder', 'write file:/path/to/table')
  if (path.includes('\0') || !path.isWellFormed())
    throw badLocation(url, 'cannot be a path', 'write file:/path/to/table')
  return resolve(directory, path)
}

const badLocation = (url: string, why: string, hint: string, cause?: unknown): Error =>
  fail('usage', 'bad-location', `"${printable(url)}" ${why}`, { hint, cause })
