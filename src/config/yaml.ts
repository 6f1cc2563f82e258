/** YAML text → plain value, with the place of every key and value kept beside it. */
import { constructFromEvents, parseEvents, YAMLException } from 'js-yaml'
import { printable } from '../core/ref.ts'
import type { Range } from './mask.ts'
import { type KeyPath, type Place, pathKey, readPlaces } from './places.ts'
import { configError, type SourceText } from './problems.ts'

export interface YamlDocument {
  readonly source: SourceText
  readonly value: Readonly<Record<string, unknown>>
  has(path: KeyPath): boolean
  /** Offset of the key or the value at a path; of the nearest parent that is written when the path itself is not. */
  offset(path: KeyPath, part: 'key' | 'value'): number
  /** What is written there, to be masked: a single value, or of a map or list the rest of its first line. */
  rangeOf(path: KeyPath): Range
}

const mostAliases = 1000

/** Throws a config error with all duplicate keys, or with the first mistake that stops the parser. The root must be a map. */
export function parseYaml(source: SourceText): YamlDocument {
  const events = guarded(source, () => parseEvents(source.text, { filename: source.name }))
  const { places, problems } = readPlaces(source, events)
  if (problems.length > 0) throw configError(source, problems)
  const [value] = guarded(source, () => constructFromEvents(events, { source: source.text, maxAliases: mostAliases }))
  if (value === undefined || value === null)
    throw configError(source, [{ message: 'the file is empty', at: null }], { hint: 'its first key is "version: 1"' })
  const root: Place = places.get(pathKey([])) ?? { key: null, value: 0, scalar: null }
  if (typeof value !== 'object' || Array.isArray(value)) {
    const found = Array.isArray(value) ? 'a list' : 'a single value'
    const hide = root.scalar === null ? [] : [root.scalar]
    throw configError(source, [{ message: `the file is ${found}, not a map of keys`, at: root.value, hide }])
  }
  const nearest = (path: KeyPath): Place => {
    for (let length = path.length; length > 0; length--) {
      const place = places.get(pathKey(path.slice(0, length)))
      if (place !== undefined) return place
    }
    return root
  }
  return {
    source,
    value: value as Record<string, unknown>,
    has: (path) => places.has(pathKey(path)),
    offset: (path, part) => {
      const place = nearest(path)
      return part === 'key' ? (place.key ?? place.value) : place.value
    },
    rangeOf: (path) => {
      const { scalar, value: start } = nearest(path)
      return scalar ?? [start, lineEnd(source.text, start)]
    },
  }
}

/** The parser's exceptions as config errors. Most tabs are reported by it as something else, far away. */
function guarded<T>(source: SourceText, action: () => T): T {
  try {
    return action()
  } catch (thrown) {
    if (!(thrown instanceof YAMLException)) throw thrown
    const tab = source.text.search(/^ *\t/m)
    if (tab >= 0) throw configError(source, [{ message: 'a tab does not indent YAML: use spaces', at: tab }])
    const message = `this is no valid YAML: ${printable(thrown.reason)}`
    const at = thrown.mark?.position ?? null
    throw configError(source, [{ message, at, hide: at === null ? [] : continuedText(source.text, at) }])
  }
}

/** A line without a key of its own may go on with a value from above, of which nobody knows whether it is a secret. */
function continuedText(text: string, at: number): Range[] {
  const start = text.lastIndexOf('\n', at - 1) + 1
  const end = lineEnd(text, at)
  const line = text.slice(start, end)
  const ownKey = /^\s*(?:-\s+)*["']?[\w.-]+["']?\s*:|^\s*[-#{}[\]]/.test(line)
  return ownKey ? [] : [[start + line.search(/\S|$/), end]]
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}
