/** YAML text → plain data and where each part of it stands, so that every error can point at a line. */
import { constructFromEvents, EVENT_ID, type Event, getScalarValue, parseEvents, YAMLException } from 'js-yaml'
import { fail } from '../core/errors.ts'
import { printable } from '../core/ref.ts'

export type KeyPath = readonly (string | number)[]
export interface YamlDocument {
  readonly value: unknown
  /** `file:line:col` (counted from 1) of the value at this path, or of its key; of the nearest parent when it is not there. */
  where(path: KeyPath, part?: 'key' | 'value'): string
}

const maxBytes = 1024 * 1024

/**
 * One document without aliases (a table schema needs none, and they can blow a small file up), at most 1 MiB.
 * Throws a `config` error with the place. Nesting is bounded (32), duplicate keys are refused.
 */
export function parseYaml(text: string, path: string): YamlDocument {
  const file = printable(path)
  if (text.length > maxBytes) throw fail('config', 'bad-yaml', 'the file is larger than 1 MiB', { where: file })
  const lines = lineStarts(text)
  const at = (offset: number) => {
    const line = lines.findLastIndex((start) => start <= offset)
    return `${file}:${line + 1}:${offset - lines[line]! + 1}`
  }
  try {
    const events = parseEvents(text, { maxDepth: 32 })
    const documents = constructFromEvents(events, { source: text, maxAliases: 0 })
    if (documents.length !== 1)
      throw fail(
        'config',
        'bad-yaml',
        documents.length === 0 ? 'the file is empty' : 'there is more than one document',
        {
          where: file,
        },
      )
    const places = placesOf(events, text)
    for (const [path, place] of places)
      if (path.endsWith(',"__proto__"]'))
        // below a section nobody else would notice that it is lost
        throw fail('config', 'bad-yaml', '"__proto__" cannot be a key', { where: at(place.key) })
    return {
      value: documents[0],
      where(path, part = 'value') {
        for (let length = path.length; length >= 0; length--) {
          const place = places.get(JSON.stringify(path.slice(0, length)))
          if (place) return at(length === path.length && part === 'value' ? place.value : place.key)
        }
        return file
      },
    }
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error
    const reason = /aliases exceeded/.test(error.reason) ? 'aliases (*name) are not supported' : error.reason
    throw fail('config', 'bad-yaml', `this is not valid YAML: ${reason}`, {
      where: error.mark ? at(error.mark.position) : file,
      ...(/\t/.test(error.mark?.buffer.split('\n')[error.mark.line] ?? '') && {
        hint: 'YAML indents with spaces, not tabs',
      }),
    })
  }
}

interface Place {
  readonly key: number
  readonly value: number
}

/** Walks the flat event stream with a stack of open collections. */
function placesOf(events: readonly Event[], text: string): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>()
  const open: { path: KeyPath; next: number | null; key: string | null; keyAt: number }[] = []
  /** Where the node that starts now belongs; null while it is itself a key. */
  const enter = (offset: number, keyText?: string): KeyPath | null => {
    const parent = open.at(-1)
    if (!parent) return record([], offset, offset)
    if (parent.next !== null) return record([...parent.path, parent.next++], offset, offset)
    if (parent.key === null) {
      parent.key = keyText ?? ''
      parent.keyAt = offset
      return null
    }
    const path = record([...parent.path, parent.key], parent.keyAt, offset)
    parent.key = null
    return path
  }
  const record = (path: KeyPath, key: number, value: number): KeyPath => {
    places.set(JSON.stringify(path), { key, value })
    return path
  }
  for (const event of events) {
    if (event.type === EVENT_ID.SCALAR) {
      const quoted = event.style === 2 || event.style === 3
      enter(Math.max(0, event.valueStart - (quoted ? 1 : 0)), getScalarValue(text, event))
    } else if (event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE) {
      const path = enter(event.start) ?? []
      open.push({ path, next: event.type === EVENT_ID.SEQUENCE ? 0 : null, key: null, keyAt: 0 })
    } else if (event.type === EVENT_ID.POP) open.pop()
  }
  return places
}

function lineStarts(text: string): readonly number[] {
  const starts = [0]
  for (const newline of text.matchAll(/\r\n|\n|\r/g)) starts.push(newline.index + newline[0].length)
  return starts
}
