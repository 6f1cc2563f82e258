/**
 * JSON.parse forgets three things that a loader must know: the digits of numbers that no double holds, keys that stand twice, and
 * half characters. Each is looked for only where a cheap test says that it may be there.
 */

/** A number whose text says more than its double. */
export class ExactNumber {
  text: string
  /** Write it as a string: the engine reads numbers with a fraction as doubles. */
  asText = false
  constructor(text: string) {
    this.text = text
  }
  toJSON(): unknown {
    return this.asText ? this.text : rawJson(this.text)
  }
}

// In every supported Node, but not in TypeScript's libraries yet.
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON

/** Like JSON.parse of a text that is valid, with an ExactNumber for each number. */
export function parseExact(text: string): unknown {
  return JSON.parse(text, function (this: unknown, _key: string, value: unknown, context?: { source: string }) {
    return typeof value === 'number' && context !== undefined ? new ExactNumber(context.source) : value
  } as (this: unknown, key: string, value: unknown) => unknown)
}

const spacedColons = [' :', '\t:', '\r:', '\n:']

/** A key that stands twice in one object of a valid JSON text. `keys`: how many distinct ones its parse has (countKeys). */
export function duplicateKey(text: string, keys: number): string | null {
  if (spacedColons.some((spaced) => text.includes(spaced))) return findDuplicate(text)
  let colons = 0
  for (let at = text.indexOf('":'); at >= 0; at = text.indexOf('":', at + 2)) colons++
  // Every key has one of these colons. More than there are keys: a text holds `":`, or a key stands twice.
  return colons === keys ? null : findDuplicate(text)
}

/** Lists and objects inside one another in a column's value; the walks over values are recursive. */
export const mostLevels = 512
export const tooDeep = `nests deeper than ${mostLevels} levels`

/** Infinity when it nests deeper than mostLevels. `level`: 1 for a column's value, 0 for the row that holds it. */
export function countKeys(value: unknown, level: number): number {
  if (value === null || typeof value !== 'object') return 0
  if (level > mostLevels) return Number.POSITIVE_INFINITY
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') count += countKeys(item, level + 1)
    return count
  }
  for (const key in value) {
    count++
    const member = (value as Record<string, unknown>)[key]
    if (typeof member === 'object') count += countKeys(member, level + 1)
  }
  return count
}

const token = /"(?:[^"\\]|\\.)*"|[{}[\]]/g

function findDuplicate(text: string): string | null {
  const open: (Set<string> | null)[] = []
  for (const match of text.matchAll(token)) {
    const [part] = match
    if (part === '{') open.push(new Set())
    else if (part === '[') open.push(null)
    else if (part === '}' || part === ']') open.pop()
    else {
      const keys = open.at(-1)
      if (!keys || !/^\s*:/.test(text.slice(match.index + part.length, match.index + part.length + 64))) continue
      const key = JSON.parse(part) as string
      if (keys.has(key)) return key
      keys.add(key)
    }
  }
  return null
}

/** A key or text with half of a surrogate pair, which UTF-8 cannot hold. */
export function hasHalfCharacter(text: string): boolean {
  if (!/\\u[dD][89a-fA-F]/.test(text)) return false
  let found = false
  JSON.parse(text, (key, value) => {
    found ||= !key.isWellFormed() || (typeof value === 'string' && !value.isWellFormed())
    return value
  })
  return found
}
