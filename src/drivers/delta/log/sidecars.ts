/** Sidecars (Delta PROTOCOL, "Sidecar Files"): the files of a V2 checkpoint, in Parquet files of their own that it names. */
import { isObject } from './exact-json.ts'
import { logFolder } from './paths.ts'

/**
 * The object of a `sidecar` action. It always lies in `_delta_log/_sidecars/`, whatever folders or URL its path begins with: so only the name
 * counts, and nothing else is ever followed. Undefined for a path without a name.
 */
export function sidecarKey(prefix: string, path: string): string | undefined {
  let name: string
  try {
    name = decodeURIComponent(path.slice(path.lastIndexOf('/') + 1))
  } catch {
    return undefined
  }
  const usable = name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0')
  return usable ? `${logFolder(prefix)}/_sidecars/${name}` : undefined
}

/** Paths of the sidecars that a checkpoint in JSON names. */
export function* sidecarPaths(bytes: Uint8Array): Generator<string> {
  for (const line of Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').split('\n')) {
    if (!/^\s*\{\s*"sidecar"\s*:/.test(line)) continue
    const parsed: unknown = JSON.parse(line)
    const sidecar = isObject(parsed) ? parsed.sidecar : null
    if (sidecar != null) yield isObject(sidecar) ? String(sidecar.path ?? '') : ''
  }
}
