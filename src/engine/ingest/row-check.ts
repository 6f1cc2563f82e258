/** Checks one NDJSON line against a table schema. */
import { printable } from '../../core/ref.ts'
import type { Field } from '../../core/types.ts'
import type { Derived } from './derive.ts'
import { countKeys, duplicateKey, hasHalfCharacter, parseExact, tooDeep } from './exact-json.ts'
import { rowQuoting } from './json-text.ts'
import { type Problem, type ValueCheck, valueCheck } from './value-check.ts'

export interface Rejection {
  /** Column, with the place inside it; null when the row as a whole is wrong. */
  readonly column: string | null
  readonly reason: string
}
/** `json` is the text that the engine reads: the line itself, unless numbers or Json values had to be written differently. */
export type Judged = { readonly json: string } | { readonly rejection: Rejection }

export type RowCheck = (line: string) => Judged

const inherited = new Set(Object.getOwnPropertyNames(Object.prototype))

export function rowCheck(fields: readonly Field[], derived: Derived): RowCheck {
  const columns = fields.map((field) => ({
    name: field.name,
    check: withTable(field.name, valueCheck(field.type), derived),
    required: !field.nullable && !derived.fills(field.name),
    inherited: inherited.has(field.name),
  }))
  const unknown = unknownColumn(fields)
  const quoting = rowQuoting(fields) ?? ((line: string) => line)

  function check(row: Record<string, unknown>): 'inexact' | Rejection | null {
    let seen = 0
    for (const column of columns) {
      const value = column.inherited && !Object.hasOwn(row, column.name) ? undefined : row[column.name]
      if (value !== undefined) seen++
      if (value === undefined || value === null) {
        if (column.required && !derived.later(column.name, row)) return missing(column.name, value === null, derived)
        continue
      }
      const verdict = column.check(value)
      if (verdict === null) continue
      return verdict === 'inexact' ? verdict : told(column.name, verdict)
    }
    const keys = Object.keys(row)
    return seen === keys.length ? null : unknown(keys)
  }

  return (line) => {
    const parsed = parseRow(line)
    if ('rejection' in parsed) return parsed
    const { row } = parsed
    const keys = countKeys(row, 0)
    if (keys === Number.POSITIVE_INFINITY) return { rejection: deepColumn(row) }
    const twice = duplicateKey(line, keys)
    if (twice !== null) return { rejection: { column: twice, reason: `key "${printable(twice)}" stands twice` } }
    if (line.includes('\\u') && hasHalfCharacter(line))
      return { rejection: { column: null, reason: 'a text has half of a surrogate pair (\\uD800 to \\uDFFF)' } }
    const result = check(row)
    if (result === null) {
      const json = quoting(line)
      return { json: json.includes('\r') ? json.replaceAll('\r', ' ') : json }
    }
    if (result !== 'inexact' && !mayOverflow.test(line)) return { rejection: result }
    const exact = parseExact(quoting(line)) as Record<string, unknown>
    const again = check(exact)
    return again === null || again === 'inexact' ? { json: JSON.stringify(exact) } : { rejection: again }
  }
}

/** What a double may turn into infinity: a rejection then shows the number as it was written. */
const mayOverflow = /[eE]\+?\d{3}|\d{309}/

function deepColumn(row: Record<string, unknown>): Rejection {
  const column = Object.keys(row).find((key) => countKeys(row[key], 1) === Number.POSITIVE_INFINITY)
  return { column: column ?? null, reason: tooDeep }
}

export function parseRow(line: string): { readonly row: Record<string, unknown> } | { readonly rejection: Rejection } {
  try {
    const row: unknown = JSON.parse(line)
    if (typeof row === 'object' && row !== null && !Array.isArray(row)) return { row: row as Record<string, unknown> }
    return { rejection: { column: null, reason: 'the line is not a JSON object' } }
  } catch (error) {
    return { rejection: { column: null, reason: `the line is not valid JSON: ${printable((error as Error).message)}` } }
  }
}

/** What the table itself says of a value, beside its type. */
function withTable(name: string, check: ValueCheck, derived: Derived): ValueCheck {
  if (name === derived.projectColumn)
    return (value) => {
      const verdict = check(value)
      if (verdict !== null || value === derived.project) return verdict
      return { at: '', reason: derived.contradiction, value }
    }
  if (derived.mustBeFilled(name))
    return (value) => (value === '' ? { at: '', reason: emptyReason(name, derived), value } : check(value))
  const rule = derived.rule(name)
  if (rule === undefined) return check
  return (value) => {
    const verdict = check(value)
    if (verdict !== null || typeof value !== 'string') return verdict
    const reason = rule.problem(value)
    return reason === null ? null : { at: '', reason, value }
  }
}

function told(column: string, { at, reason, value }: Problem): Rejection {
  return { column: column + at, reason: value === null ? reason : `${sample(value)} ${reason}` }
}

export const emptyReason = (column: string, derived: Derived): string =>
  `would be kept as null, and ${derived.need(column)}`

export const missing = (column: string, isNull: boolean, derived: Derived): Rejection => ({
  column,
  reason: `${isNull ? 'is null' : 'is missing'}, and ${derived.need(column)}`,
})

/** A value as a person sees it in a message: JSON, short. */
export function sample(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return printable(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}

/** Finds the key that no column has, and the column that was probably meant. */
export function unknownColumn(fields: readonly Field[]): (keys: readonly string[]) => Rejection {
  const names = new Set(fields.map((f) => f.name))
  return (keys) => {
    const column = keys.find((key) => !names.has(key))!
    const near = nearest(column, [...names])
    return {
      column,
      reason: `is not a column of the table${near === null ? '' : `; did you mean "${printable(near)}"?`}`,
    }
  }
}

/** The closest name within two edits, ignoring case. */
function nearest(name: string, names: readonly string[]): string | null {
  const scored = names
    .map((other) => ({ other, edits: distance(name.toLowerCase().slice(0, 128), other.toLowerCase().slice(0, 128)) }))
    .filter(({ other, edits }) => edits <= Math.min(2, Math.floor(other.length / 2)))
  return scored.sort((a, b) => a.edits - b.edits)[0]?.other ?? null
}

function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++)
      current[j] = Math.min(previous[j]! + 1, current[j - 1]! + 1, previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    previous = current
  }
  return previous[b.length]!
}
