/** Every setting that counts and where it comes from: `tblctl config view --show-origin`. */
import type { Json } from '../core/json.ts'
import { isMap, type Layered } from './layers.ts'
import type { BackendConfig, Config } from './load.ts'
import { maskUserInfo } from './mask.ts'
import type { KeyPath } from './places.ts'

export interface Setting {
  /** `backends.lake.url` */
  readonly key: string
  /** Secrets as their references. */
  readonly value: Json
  /** `flag --context`, `env TBLCTL_CATALOG`, `tblctl.yaml:4:5`, `context prod (tblctl.yaml:9:7)` or `default`. */
  readonly origin: string
}

/** In the order of the file; what a driver fills in by itself is `default`. */
export function effective(config: Config): readonly Setting[] {
  const { origins, context } = config
  return [
    { key: 'config', value: config.file, origin: origins.config },
    { key: 'context', value: context.name, origin: context.origin },
    { key: 'protect', value: config.protect, origin: origins.protect },
    { key: 'catalog', value: config.catalog, origin: origins.catalog },
    { key: 'schemas', value: config.schemaFolders, origin: origins.schemas },
    ...[...config.backends.values()].flatMap(backendSettings),
    ...writtenIn(config.syncSection),
  ]
}

function writtenIn(layers: Layered): Setting[] {
  if (!isMap(layers.value)) return []
  return leavesOf(layers.value, []).map(({ path, value }) => {
    return { key: layers.name(path), value: masked(value), origin: layers.origin(path) ?? 'default' }
  })
}

function backendSettings(backend: BackendConfig): Setting[] {
  const { layers } = backend
  const written = leavesOf(layers.value, [])
  const names = new Set(written.map(({ path }) => layers.name(path)))
  // A driver's schema may turn a written value into something else: what was written is shown.
  const filled = leavesOf(asJson(backend.config), []).filter(({ path }) => !isCovered(layers.name(path), names))
  return [
    ...written.map(({ path, value }) => {
      return { key: layers.name(path), value: masked(value), origin: layers.origin(path) ?? 'default' }
    }),
    ...filled.map(({ path, value }) => ({ key: layers.name(path), value: masked(value), origin: 'default' })),
  ]
}

/** Maps are opened, lists and single values are leaves. */
function leavesOf(value: unknown, path: KeyPath): { path: KeyPath; value: Json }[] {
  if (!isMap(value)) return [{ path, value: value as Json }]
  return Object.entries(value).flatMap(([key, member]) => leavesOf(member, [...path, key]))
}

function isCovered(name: string, written: ReadonlySet<string>): boolean {
  for (const other of written) if (name === other || name.startsWith(`${other}.`)) return true
  return false
}

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

function masked(value: Json): Json {
  if (typeof value === 'string') return maskUserInfo(value)
  return Array.isArray(value) ? value.map((item) => masked(item)) : value
}
