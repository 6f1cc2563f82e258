/** Where tables lie: `{url}/projects/{project}/{table}`, a project's own root, or a place that the user named. */
import { isAbsolute, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fail } from '../../core/errors.ts'
import type { Subject } from '../../core/operation.ts'
import { type Path, printable, refOfPath, segmentsOf } from '../../core/ref.ts'
import { openLocalStore } from '../../storage/local.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import type { DeltaConfig } from './module.ts'

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

/** `directory`: what relative `file:` URLs in the config count from. */
export function openLocations(config: DeltaConfig, directory: string): Locations {
  const stores = new Map<string, ObjectStore>()
  const open = (url: string): ObjectStore => {
    const path = localPathOf(url, directory)
    const store = stores.get(path) ?? openLocalStore(path)
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

function localPathOf(url: string, directory: string): string {
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:/.test(url)) return isAbsolute(url) ? url : resolve(directory, url)
  if (!url.startsWith('file:'))
    throw fail('usage', 'bad-location', `"${printable(url)}" is no place that this version can reach`, {
      hint: 'use a folder: file:/path/to/table',
    })
  const rest = url.slice('file:'.length)
  if (!rest.startsWith('/')) return resolve(directory, rest)
  try {
    return fileURLToPath(rest.startsWith('//') ? url : `file://${encodeURI(rest).replace(/[?#]/g, encodeURIComponent)}`)
  } catch (cause) {
    throw fail('usage', 'bad-location', `"${printable(url)}" is no file URL of this machine`, {
      hint: 'write file:/path/to/table',
      cause,
    })
  }
}
