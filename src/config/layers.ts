/** A backend as a context sees it: what is written under `backends`, and over it what the context gives. */
import { printable } from '../core/ref.ts'
import type { Places } from './issues.ts'
import type { KeyPath } from './places.ts'
import { placeOf } from './problems.ts'
import type { YamlDocument } from './yaml.ts'

export type PlainMap = Readonly<Record<string, unknown>>

export interface Layered extends Places {
  readonly value: unknown
  /** `tblctl.yaml:4:5`, or `context prod (tblctl.yaml:9:7)`; null when the path is not written. */
  origin(path: KeyPath): string | null
}

/** The value at `path` alone, or under the context of that name when it says something about it. */
export function layered(document: YamlDocument, path: KeyPath, context: string | null): Layered {
  const upper: KeyPath | null = context === null ? null : ['contexts', context, ...path]
  const base = valueAt(document, path)
  const over = upper === null ? undefined : valueAt(document, upper)
  const replaced = over !== undefined && (base === undefined || !mayMerge(base, over))
  const layers = [...(upper !== null && over !== undefined ? [upper] : []), ...(replaced ? [] : [path])]

  /** The upper layer counts where it is as near to the path as the lower. */
  const written = (below: KeyPath): KeyPath => {
    for (let length = below.length; length >= 0; length--)
      for (const layer of layers) {
        const full = [...layer, ...below.slice(0, length)]
        if (document.has(full)) return full
      }
    return layers.at(-1) ?? path
  }
  return {
    value: over === undefined ? base : replaced ? over : merge(base, over),
    name: (below) => nameOf([...path, ...below]),
    offset: (below, part) => document.offset(written(below), part),
    rangeOf: (below) => document.rangeOf(written(below)),
    origin: (below) => {
      const full = written(below)
      if (!document.has(full)) return null
      const place = placeOf(document.source, document.offset(full, 'key'))
      return full[0] === 'contexts' && path[0] !== 'contexts' ? `context ${context} (${place})` : place
    },
  }
}

/** Another driver's keys do not fit: a context that names another driver gives the whole backend. */
function mayMerge(base: unknown, over: unknown): boolean {
  if (!isMap(base) || !isMap(over)) return false
  return over.driver === undefined || over.driver === base.driver
}

/** Maps are merged key by key, everything else is replaced. */
function merge(base: unknown, over: unknown): unknown {
  if (!isMap(base) || !isMap(over)) return over
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over))
    merged[key] = Object.hasOwn(base, key) ? merge(base[key], value) : value
  return merged
}

export function isMap(value: unknown): value is PlainMap {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

/** `backends.lake.projects.globex`, `schemas[0]`. */
export function nameOf(path: KeyPath): string {
  return path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${printable(part)}`))
    .join('')
}

function valueAt(document: YamlDocument, path: KeyPath): unknown {
  let current: unknown = document.value
  for (const part of path) {
    if (!isMap(current) || !Object.hasOwn(current, part)) return undefined
    current = current[part]
  }
  return current
}
