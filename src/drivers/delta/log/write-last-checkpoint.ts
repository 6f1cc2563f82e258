/** `_last_checkpoint` (Delta PROTOCOL, "Last Checkpoint File Schema"), with its checksum over the canonical form of its JSON. */
import { createHash } from 'node:crypto'
import { durable } from '../../../core/durable.ts'
import type { Json } from '../../../core/json.ts'
import type { ObjectStore } from '../../../storage/object-store.ts'
import { hintedCheckpoint } from './listing.ts'
import { logFolder } from './paths.ts'

export interface LastCheckpoint {
  readonly version: number
  /** Actions. */
  readonly size: number
  readonly sizeInBytes: number
  readonly numOfAddFiles: number
}

/** Leaves a hint at a later checkpoint as it is, when there is one: Delta's own readers fail where there is none. */
export async function writeLastCheckpoint(store: ObjectStore, prefix: string, hint: LastCheckpoint): Promise<void> {
  const known = await hintedCheckpoint(store, prefix)
  if (known?.there && known.version > hint.version) return
  const checksum = createHash('md5')
    .update(canonicalJson({ ...hint }))
    .digest('hex')
  durable('delta.last-checkpoint:before')
  await store.put(`${logFolder(prefix)}/_last_checkpoint`, Buffer.from(JSON.stringify({ ...hint, checksum })))
  durable('delta.last-checkpoint:after')
}

/** Delta PROTOCOL, "JSON checksum": `path=value` of every leaf but the top `checksum`, by the bytes of the path. */
export function canonicalJson(value: { readonly [key: string]: Json }): string {
  const { checksum: _own, ...rest } = value
  return [...leaves(rest, '')]
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map(([path, leaf]) => `${path}=${leaf}`)
    .join(',')
}

function* leaves(value: Json, path: string): Generator<readonly [path: string, leaf: string]> {
  const below = (segment: string): string => (path === '' ? segment : `${path}+${segment}`)
  if (Array.isArray(value)) for (const [i, item] of value.entries()) yield* leaves(item as Json, below(String(i)))
  else if (value !== null && typeof value === 'object')
    for (const [name, member] of Object.entries(value)) yield* leaves(member as Json, below(quoted(name)))
  else yield [path, typeof value === 'string' ? quoted(value) : String(value)]
}

/** Percent-encoded by RFC 3986, where JavaScript follows its predecessor. */
const quoted = (text: string): string =>
  `"${encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)}"`
