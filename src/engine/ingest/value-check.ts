/** Checks one JSON value against a column type. Compiled once per column; the engine reads the accepted text itself. */
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import type { DataType } from '../../core/types.ts'
import { ExactNumber } from './exact-json.ts'
import {
  base64Problem,
  boundsOf,
  dateProblem,
  decimalProblem,
  floatProblem,
  integerProblem,
  notFinite,
  plainDecimal,
  timestampProblem,
  typeName,
} from './scalar-text.ts'

/** What is wrong: where inside the column (`a.b`, `a[2]`, '' = the column itself), why, and the value. */
export interface Problem {
  readonly at: string
  readonly reason: string
  readonly value: unknown
}
/** `inexact`: the double is not enough to tell; check the row again with parseExact's numbers. */
export type Verdict = null | 'inexact' | Problem
/** For values that are not null. */
export type ValueCheck = (value: unknown) => Verdict

const problem = (reason: string | null, value: unknown): Verdict => (reason === null ? null : { at: '', reason, value })
const within = (at: string, verdict: Verdict): Verdict =>
  verdict === null || verdict === 'inexact' ? verdict : { ...verdict, at: at + verdict.at }

/** Throws `type-unsupported` for types that text input cannot carry. */
export function valueCheck(type: DataType, nestedIn = false): ValueCheck {
  switch (type.kind) {
    case 'Boolean':
      return (value) => problem(typeof value === 'boolean' ? null : 'is not a Boolean', value)
    case 'Float32':
    case 'Float64':
      return floatCheck(type.kind)
    case 'Decimal128':
      return decimalCheck(type.precision, type.scale)
    case 'Utf8':
      return (value) => (typeof value === 'string' ? null : problem('is not a text', value))
    case 'Json':
      return () => null
    case 'Binary':
      if (nestedIn) throw notInText('Binary inside a nested column')
      return textCheck('a base64 text', base64Problem)
    case 'Date32':
      return textCheck('a date text (YYYY-MM-DD)', dateProblem)
    case 'Timestamp':
      return textCheck('a timestamp text (RFC 3339)', (text) => timestampProblem(text, type.zone !== null, type.unit))
    case 'List':
      return listCheck(valueCheck(type.item, true), type.itemNullable)
    case 'Map':
      if (type.key.kind !== 'Utf8') throw notInText(`a map with ${typeName(type.key)} keys`)
      return mapCheck(valueCheck(type.value, true), type.valueNullable)
    case 'Struct':
      return structCheck(
        type.fields.map((f) => ({ name: f.name, check: valueCheck(f.type, true), required: !f.nullable })),
      )
    case 'Variant':
      throw notInText('Variant')
    default:
      return integerCheck(type.kind)
  }
}

function integerCheck(kind: string): ValueCheck {
  const [least, most] = boundsOf(kind)!
  const [low, high] = [Number(least), Number(most)]
  return (value) => {
    if (typeof value === 'number') {
      if (Number.isSafeInteger(value)) {
        if (value >= low && value <= high) return null
        return problem(integerProblem(String(value), kind), value)
      }
      return Number.isInteger(value) ? 'inexact' : problem(`is not an ${kind}`, value)
    }
    if (value instanceof ExactNumber) {
      // 1.0 and 1e3 are whole numbers that doubles hold; anything larger must be written out.
      const double = Number(value.text)
      if (Number.isSafeInteger(double) && /[.eE]/.test(value.text))
        return problem(integerProblem(String(double), kind), value)
      return problem(integerProblem(value.text, kind), value)
    }
    return problem(`is not an ${kind}`, value)
  }
}

function floatCheck(kind: string): ValueCheck {
  return (value) => {
    if (typeof value === 'number') return problem(floatProblem(value, kind), value)
    if (value instanceof ExactNumber) return problem(floatProblem(Number(value.text), kind), value)
    if (typeof value === 'string' && notFinite.has(value)) return null
    return problem(`is not a ${kind}`, value)
  }
}

function decimalCheck(precision: number, scale: number): ValueCheck {
  const unit = 10 ** scale
  return (value) => {
    if (typeof value === 'string') return problem(decimalProblem(value, precision, scale), value)
    if (typeof value === 'number') {
      // Up to 15 digits a double holds exactly what was written, and the engine makes the same decimal of it.
      if (Math.abs(value) * unit >= 1e15 || Math.abs(value) < 1e-6) return value === 0 ? null : 'inexact'
      return problem(decimalProblem(String(value), precision, scale), value)
    }
    if (!(value instanceof ExactNumber)) return problem(`is not a Decimal128(${precision}, ${scale})`, value)
    const shown = new ExactNumber(value.text)
    value.text = plainDecimal(value.text)
    value.asText = true
    return problem(decimalProblem(value.text, precision, scale), shown)
  }
}

function textCheck(what: string, check: (text: string) => string | null): ValueCheck {
  return (value) => (typeof value === 'string' ? problem(check(value), value) : problem(`is not ${what}`, value))
}

function listCheck(item: ValueCheck, itemNullable: boolean): ValueCheck {
  return (value) => {
    if (!Array.isArray(value)) return problem('is not a list', value)
    for (let i = 0; i < value.length; i++) {
      const verdict = value[i] === null ? (itemNullable ? null : problem('is null', null)) : item(value[i])
      if (verdict !== null) return within(`[${i}]`, verdict)
    }
    return null
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber)

function mapCheck(check: ValueCheck, nullable: boolean): ValueCheck {
  return (value) => {
    if (!isObject(value)) return problem('is not an object', value)
    for (const [key, member] of Object.entries(value)) {
      const verdict = member === null ? (nullable ? null : problem('is null', null)) : check(member)
      if (verdict !== null) return within(`.${key}`, verdict)
    }
    return null
  }
}

function structCheck(
  members: readonly { readonly name: string; readonly check: ValueCheck; readonly required: boolean }[],
): ValueCheck {
  const names = new Set(members.map((member) => member.name))
  return (value) => {
    if (!isObject(value)) return problem('is not an object', value)
    for (const { name, check, required } of members) {
      const member = Object.hasOwn(value, name) ? value[name] : null
      const verdict = member === null ? (required ? problem('is missing', null) : null) : check(member)
      if (verdict !== null) return within(`.${name}`, verdict)
    }
    for (const name of Object.keys(value))
      if (!names.has(name)) return { at: `.${name}`, reason: 'is not a member of the column', value: value[name] }
    return null
  }
}

function notInText(what: string): Error {
  return fail('data', 'type-unsupported', `${printable(what)} cannot be loaded from NDJSON or CSV`, {
    hint: 'load it from Parquet',
  })
}
