/** One walk over the YAML parser's events: the place of every key and value, duplicate keys, aliases that unfold without end. */
import { type AliasEvent, EVENT_ID, type Event, getScalarValue, SCALAR_STYLE, type ScalarEvent } from 'js-yaml'
import { printable } from '../core/ref.ts'
import type { Range } from './mask.ts'
import { type Problem, placeOf, type SourceText } from './problems.ts'

export type KeyPath = readonly (string | number)[]

/** Offsets into the text. */
export interface Place {
  /** Null at the root and in lists. */
  readonly key: number | null
  readonly value: number
  /** A scalar's own text, for masking. */
  readonly scalar: Range | null
}

/** Aliases may be used; a file in which they unfold to more values than this is an attack. */
const mostAliasedValues = 100_000

export const pathKey = (path: KeyPath): string => JSON.stringify(path)

/** A map, a list or the document itself that is still open. */
interface Frame {
  readonly kind: 'map' | 'list' | 'document'
  readonly path: KeyPath
  readonly anchor: string | null
  /** Keys that were read, with their offsets. */
  readonly keys: Map<string, number>
  /** A map's key that waits for its value. */
  key: { readonly name: string; readonly at: number } | null
  /** Direct members so far. */
  count: number
  /** Values at any depth so far, aliases unfolded. */
  size: number
}

/** Stops at the first thing that makes the rest meaningless; duplicate keys are all collected. */
export function readPlaces(
  source: SourceText,
  events: readonly Event[],
): { places: ReadonlyMap<string, Place>; problems: readonly Problem[] } {
  const places = new Map<string, Place>()
  const problems: Problem[] = []
  /** Values below each anchor that is closed. */
  const sizes = new Map<string, number>()
  const stack: Frame[] = []
  let aliased = 0

  const open = (kind: Frame['kind'], path: KeyPath, anchor: string | null): void => {
    stack.push({ kind, path, anchor, keys: new Map(), key: null, count: 0, size: 0 })
  }

  const readKey = (event: ScalarEvent, frame: Frame): void => {
    const name = getScalarValue(source.text, event)
    const at = scalarStart(event)
    const earlier = frame.keys.get(name)
    if (earlier !== undefined)
      problems.push({ message: `key "${printable(name)}" is there twice, first at ${placeOf(source, earlier)}`, at })
    if (name === '__proto__') problems.push({ message: 'key "__proto__" is not allowed', at })
    frame.keys.set(name, at)
    frame.key = { name, at }
  }

  const placeValue = (at: number, scalar: Range | null): KeyPath => {
    const frame = stack.at(-1)!
    const path = [...frame.path]
    if (frame.kind === 'map') path.push(frame.key!.name)
    if (frame.kind === 'list') path.push(frame.count)
    const key = frame.key?.at ?? null
    // An empty value has no place of its own: its key stands for it.
    if (!places.has(pathKey(path))) places.set(pathKey(path), { key, value: at < 0 ? (key ?? 0) : at, scalar })
    frame.key = null
    frame.count++
    frame.size++
    return path
  }

  const readAlias = (event: AliasEvent): Problem | null => {
    const name = source.text.slice(event.anchorStart, event.anchorEnd)
    const at = event.anchorStart - 1
    placeValue(at, null)
    if (stack.some((frame) => frame.anchor === name))
      return { message: `alias "*${printable(name)}" stands inside itself`, at }
    aliased += sizes.get(name) ?? 0
    stack.at(-1)!.size += sizes.get(name) ?? 0
    if (aliased <= mostAliasedValues) return null
    return { message: `the aliases unfold to more than ${mostAliasedValues} values`, at }
  }

  for (const [index, event] of events.entries()) {
    const frame = stack.at(-1)
    if (event.type === EVENT_ID.DOCUMENT) {
      if (index > 0) return stop({ message: 'there is a second document; one is enough', at: null })
      open('document', [], null)
    } else if (event.type === EVENT_ID.POP) {
      const closed = stack.pop()!
      const parent = stack.at(-1)
      if (parent !== undefined) parent.size += closed.size
      if (closed.anchor !== null) sizes.set(closed.anchor, closed.size)
    } else if (frame?.kind === 'map' && frame.key === null) {
      if (event.type !== EVENT_ID.SCALAR) return stop({ message: 'a key must be a plain word', at: startOf(event) })
      readKey(event, frame)
    } else if (event.type === EVENT_ID.SCALAR) {
      placeValue(scalarStart(event), event.valueStart < 0 ? null : [event.valueStart, event.valueEnd])
      if (event.anchorStart >= 0) sizes.set(source.text.slice(event.anchorStart, event.anchorEnd), 1)
    } else if (event.type === EVENT_ID.ALIAS) {
      const problem = readAlias(event)
      if (problem !== null) return stop(problem)
    } else {
      const anchor = event.anchorStart < 0 ? null : source.text.slice(event.anchorStart, event.anchorEnd)
      open(event.type === EVENT_ID.MAPPING ? 'map' : 'list', placeValue(event.start, null), anchor)
    }
  }
  return { places, problems }

  function stop(problem: Problem) {
    return { places, problems: [...problems, problem] }
  }
}

/** The quote is part of what is pointed at; -1 for an empty value. */
function scalarStart(event: ScalarEvent): number {
  const quoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED
  return quoted ? event.valueStart - 1 : event.valueStart
}

function startOf(event: Event): number | null {
  if (event.type === EVENT_ID.ALIAS) return event.anchorStart - 1
  return event.type === EVENT_ID.SEQUENCE || event.type === EVENT_ID.MAPPING ? event.start : null
}
