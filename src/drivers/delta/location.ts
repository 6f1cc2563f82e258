/** Where tables lie: `{url}/projects/{project}/{table}`, a project's own root, or a place that the user named. */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fail } from '../../core/errors.ts'
import type { Subject } from '../../core/operation.ts'
import { type Path, printable, refOfPath, segmentsOf } from '../../core/ref.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import type { DeltaConfig } from './config.ts'

export interface Location {
  readonly store: ObjectStore
  /** Key of the table's folder below the store's root; '' when the root is the table. */
  readonly prefix: string
  /** `file:///…`, without a trailing slash. */
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

export type OpenStore = (path: string) => ObjectStore

/** `directory`: what relative locations count from, those in the config and those that a user names. */
export function openLocations(config: DeltaConfig, directory: string, openStore: OpenStore): Locations {
  const stores = new Map<string, ObjectStore>()
  const open = (url: string): ObjectStore => {
    const path = localPathOf(url, directory)
    const store = stores.get(path) ?? openStore(path)
    stores.set(path, store)
    return store
  }
  const ownRoot = (project: string) =>
    Object.hasOwn(config.projects ?? {}, project) ? config.projects![project]!.url : undefined
  const root = (project: string) => open(ownRoot(project) ?? config.url)
  return {
    root,
    projects: Object.keys(config.projects ?? {}),
    of({ path, spec }, explicit) {
      const url = explicit ?? spec?.location ?? null
      if (url !== null) {
        const store = open(url)
        return { store, prefix: '', url: store.url }
      }
      const { project } = segmentsOf(path)
      const store = root(project)
      const prefix = derivedPrefix(path)
      return { store, prefix, url: `${store.url}/${prefix}` }
    },
  }
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
      hint: 'use a folder: file:/path/to/table',
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
