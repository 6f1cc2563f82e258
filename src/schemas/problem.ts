/** What is wrong with a table schema, and where: collected, so that one run shows all of it. */
import type { z } from 'zod'
import { fail } from '../core/errors.ts'
import { printable } from '../core/ref.ts'
import { didYouMean } from '../core/suggest.ts'
import type { Field } from '../core/types.ts'
import type { KeyPath, YamlDocument } from './yaml.ts'

export interface Problem {
  readonly path: KeyPath
  /** Point at the key instead of its value. */
  readonly atKey?: boolean
  readonly message: string
  readonly hint?: string
}

const maxShown = 20

/** One `config` error for all of them; the first gives `where` and `hint`. */
export function schemaError(problems: readonly Problem[], document: YamlDocument, file: string): Error {
  const placed = problems.map((problem) => ({
    where: document.where(problem.path, problem.atKey ? 'key' : 'value'),
    text: `${pathText(problem.path)}${problem.message}`,
    hint: problem.hint,
  }))
  const [first] = placed
  if (placed.length === 1) {
    const { where, text, hint } = first!
    return fail('config', 'bad-schema', text, { where, ...(hint !== undefined && { hint }) })
  }
  const lines = placed
    .slice(0, maxShown)
    .map(({ where, text, hint }) => `  ${where}: ${text}${hint === undefined ? '' : ` (${hint})`}`)
  if (placed.length > maxShown) lines.push(`  … and ${placed.length - maxShown} more`)
  const message = `${placed.length} problems in table schema ${printable(file)}\n${lines.join('\n')}`
  return fail('config', 'bad-schema', message, { where: first!.where })
}

/** `fields[3].data_type: ` */
function pathText(path: KeyPath): string {
  const text = path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${printable(part)}`))
    .join('')
  return text === '' ? '' : `${text}: `
}

/** zod's issues in our words; a key that is not known is a problem of its own, at that key. */
export function shapeProblems(issues: readonly z.core.$ZodIssue[], root: unknown, type: z.ZodType): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    const path = issue.path.filter((part) => typeof part !== 'symbol')
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(type, path)
      return issue.keys.map((key) => ({
        path: [...path, key],
        atKey: true,
        message: 'unknown key',
        hint: suggestion(key, known) ?? `keys here are ${known.join(', ')}`,
      }))
    }
    const value = valueAt(root, path)
    if (value === undefined && issue.code === 'invalid_type')
      return [{ path, atKey: true, message: `is missing; expected ${expected(issue.expected)}` }]
    return [problemOfIssue(issue, path, value)]
  })
}

function problemOfIssue(issue: z.core.$ZodIssue, path: KeyPath, value: unknown): Problem {
  switch (issue.code) {
    case 'invalid_type':
      return { path, message: `expected ${expected(issue.expected)}, not ${shown(value)}` }
    case 'invalid_value': {
      const values = issue.values.map(String)
      const hint = typeof value === 'string' ? suggestion(value, values) : undefined
      const message = `expected one of ${values.join(', ')}, not ${shown(value)}`
      return { path, message, ...(hint !== undefined && { hint }) }
    }
    case 'too_small':
      return {
        path,
        message: issue.origin === 'array' ? 'is empty' : `expected at least ${issue.minimum}, not ${shown(value)}`,
      }
    case 'invalid_union':
      return { path, message: `expected a text, a number or true/false, not ${shown(value)}` }
    case 'invalid_format':
      return { path, message: `expected ${issue.message}, not ${shown(value)}` }
    default:
      return { path, message: `${issue.message}, not ${shown(value)}` }
  }
}

export function suggestion(word: string, candidates: readonly string[]): string | undefined {
  const near = didYouMean(word, candidates)
  return near === undefined ? undefined : `did you mean ${printable(near)}?`
}

export function unknownColumn(path: KeyPath, name: string, fields: readonly Field[]): Problem {
  const names = fields.map((field) => field.name)
  const hint = suggestion(name, names)
  return { path, message: `there is no column "${printable(name)}"`, ...(hint !== undefined && { hint }) }
}

const words: Readonly<Record<string, string>> = {
  string: 'a text',
  boolean: 'true or false',
  number: 'a number',
  int: 'a whole number',
  array: 'a list',
  object: 'keys with values',
  record: 'keys with values',
}
const expected = (type: string): string => words[type] ?? type

/** A value as the reader of an error recognises it. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'keys with values'
  return typeof value === 'string' ? `"${printable(value)}"` : String(value)
}

function valueAt(root: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      value !== null && typeof value === 'object' && Object.hasOwn(value, part)
        ? (value as Record<string | number, unknown>)[part]
        : undefined,
    root,
  )
}

/** The keys that the shape allows at a path: walks objects, lists and optional wrappers. */
function keysAt(type: z.ZodType, path: KeyPath): readonly string[] {
  let at: any = type
  for (const part of [...path, null]) {
    while (at?.def?.innerType) at = at.def.innerType
    if (part === null) return Object.keys(at?.shape ?? {})
    at = typeof part === 'number' ? at?.element : (at?.shape?.[part] ?? at?.def?.valueType)
  }
  return []
}
