/** zod's issues in the words of this program, with their places. Values are never repeated: one of them may be a secret. */
import { printable } from '../core/ref.ts'
import { didYouMean } from '../core/suggest.ts'
import type { Range } from './mask.ts'
import type { KeyPath } from './places.ts'
import type { Problem } from './problems.ts'

/** Of any copy of zod: a driver from elsewhere brings its own. */
export interface Issue {
  readonly code: string
  readonly path: readonly PropertyKey[]
  readonly message: string
  readonly expected?: string
  readonly values?: readonly unknown[]
  readonly minimum?: unknown
  readonly keys?: readonly string[]
  readonly issues?: readonly Issue[]
  readonly errors?: readonly (readonly Issue[])[]
  readonly params?: { readonly secret?: boolean }
}

/** Where the checked value is written; paths count from the value that was checked. */
export interface Places {
  offset(path: KeyPath, part: 'key' | 'value'): number
  /** What is written there, to be masked. */
  rangeOf(path: KeyPath): Range
  /** As people are told it: `backends.lake.url`. */
  name(path: KeyPath): string
}

/** zod has no code of its own for a key that is not there. */
const mayMeanMissing: ReadonlySet<string> = new Set(['invalid_type', 'invalid_value', 'invalid_union'])

/** The issues that a thrown value carries; undefined when it is no validation error. */
export function issuesOf(thrown: unknown): readonly Issue[] | undefined {
  const issues = (thrown as { issues?: unknown } | null)?.issues
  return Array.isArray(issues) && issues.every((issue) => Array.isArray(issue?.path)) ? issues : undefined
}

export function problemsOf(issues: readonly Issue[], value: unknown, schema: unknown, places: Places): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
    const found = valueAt(value, path)
    const said = (message: string, part: 'key' | 'value' = 'value'): Problem => {
      const hide = issue.params?.secret === true ? [places.rangeOf(path)] : []
      return { message: `${places.name(path)}: ${message}`, at: places.offset(path, part), hide }
    }
    if (issue.code === 'unrecognized_keys')
      return (issue.keys ?? []).map((key) => unknownKey(key, path, candidatesAt(schema, path), places))
    if (found === undefined && (mayMeanMissing.has(issue.code) || issue.params?.secret === true))
      return [missing(path, places)]
    if (issue.code === 'invalid_union') {
      const branches = issue.errors ?? []
      const nearest = [...branches].sort((a, b) => deepest(b) - deepest(a))[0] ?? []
      const inside = nearest.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))
      return deepest(nearest) > 0 ? problemsOf(inside, value, schema, places) : [said(oneOfForms(branches, found))]
    }
    if (issue.code === 'invalid_key') return [said(issue.issues?.[0]?.message ?? 'this is no name', 'key')]
    if (issue.code === 'invalid_value') return [said(oneOf(issue.values ?? [], found))]
    if (issue.code === 'invalid_type') return [said(`expected ${wordFor(issue.expected)}, found ${kindOf(found)}`)]
    if (issue.code === 'too_small' && issue.minimum === 1 && (found === '' || Array.isArray(found)))
      return [said('it is empty')]
    return [said(issue.message)]
  })
}

function unknownKey(key: string, path: KeyPath, candidates: readonly string[], places: Places): Problem {
  const near = didYouMean(key, candidates)
  const known = candidates.length > 0 ? `; known are ${candidates.join(', ')}` : ''
  return {
    message: `unknown key "${places.name([...path, key])}"${near === undefined ? known : `; did you mean "${near}"?`}`,
    at: places.offset([...path, key], 'key'),
    hide: [places.rangeOf([...path, key])],
  }
}

function missing(path: KeyPath, places: Places): Problem {
  const parent = path.slice(0, -1)
  return { message: `key "${places.name(path)}" is missing`, at: places.offset(parent, 'key') }
}

function oneOf(values: readonly unknown[], found: unknown): string {
  const words = values.map((value) => String(value))
  const near = typeof found === 'string' ? didYouMean(found, words) : undefined
  const list = words.length === 1 ? `expected ${words[0]}` : `expected one of ${words.join(', ')}`
  return near === undefined ? list : `${list}; did you mean "${near}"?`
}

function oneOfForms(branches: readonly (readonly Issue[])[], found: unknown): string {
  const forms = branches.flatMap((issues) => issues.map((issue) => issue.expected)).filter((word) => word !== undefined)
  return `expected ${[...new Set(forms.map(wordFor))].join(' or ') || 'another value'}, found ${kindOf(found)}`
}

const deepest = (issues: readonly Issue[]): number => Math.max(0, ...issues.map((issue) => issue.path.length))

/** What YAML calls a thing that zod calls otherwise. */
function wordFor(expected: string | undefined): string {
  const words: Readonly<Record<string, string>> = {
    object: 'a map',
    record: 'a map',
    array: 'a list',
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
  }
  return words[expected ?? ''] ?? expected ?? 'another value'
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  const kind = typeof value
  return kind === 'object' ? 'a map' : kind === 'string' ? 'text' : kind === 'boolean' ? String(value) : 'a number'
}

function valueAt(value: unknown, path: KeyPath): unknown {
  let current = value
  for (const part of path) {
    if (current === null || typeof current !== 'object' || !Object.hasOwn(current, part)) return undefined
    current = (current as Record<string | number, unknown>)[part]
  }
  return current
}

/** The keys that a zod schema knows at a path, for suggestions; none when it is no zod schema. */
function candidatesAt(schema: unknown, path: KeyPath): readonly string[] {
  const definition = (schema as { def?: Record<string, any> } | null | undefined)?.def
  if (definition === undefined) return []
  const inner = definition.innerType ?? (definition.type === 'pipe' ? definition.in : undefined)
  if (inner !== undefined) return candidatesAt(inner, path)
  if (Array.isArray(definition.options))
    return [...new Set(definition.options.flatMap((option) => candidatesAt(option, path)))]
  const [first, ...rest] = path
  if (first === undefined) return Object.keys(definition.shape ?? {}).map(printable)
  const next = definition.shape?.[first] ?? definition.valueType ?? definition.element
  return candidatesAt(next, rest)
}
