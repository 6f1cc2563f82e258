/** One CSV field → the JSON text that the engine reads for its column, or why it does not fit. */
import type { DataType, Field } from '../../core/types.ts'
import { countKeys, duplicateKey, hasHalfCharacter, tooDeep } from './exact-json.ts'
import { typeQuoting } from './json-text.ts'
import { floatProblem, integerProblem, notFinite, typeName } from './scalar-text.ts'
import { type Problem, type ValueCheck, valueCheck } from './value-check.ts'

export type CsvCheck = (text: string) => { readonly json: string } | Problem

export function csvCheck(field: Field): CsvCheck {
  const { kind } = field.type
  const wrong = (reason: string, value: string): Problem => ({ at: '', reason, value })
  switch (kind) {
    case 'Boolean':
      return (text) =>
        /^(true|false)$/i.test(text) ? { json: text.toLowerCase() } : wrong('is not a Boolean (true or false)', text)
    case 'Float32':
    case 'Float64':
      return (text) => {
        if (notFinite.has(text)) return { json: `"${text}"` }
        const reason = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text)
          ? floatProblem(Number(text), kind)
          : `is not a ${kind}`
        return reason === null ? number(text) : wrong(reason, text)
      }
    case 'Utf8':
    case 'Binary':
    case 'Date32':
    case 'Timestamp':
    case 'Decimal128':
      return asText(valueCheck(field.type))
    case 'Json':
    case 'List':
    case 'Map':
    case 'Struct':
      return asJson(field.type)
    case 'Variant':
      valueCheck(field.type)
      break
  }
  return (text) => {
    const reason = integerProblem(text, kind)
    return reason === null ? number(text) : wrong(reason, text)
  }
}

/** Without leading zeros: the engine's JSON reader takes `"7"` for a number, but not `"007"`. */
const number = (text: string): { readonly json: string } => ({ json: `"${text.replace(/^(-?)0+(?=\d)/, '$1')}"` })

function asText(check: ValueCheck): CsvCheck {
  return (text) => (check(text) as Problem | null) ?? { json: JSON.stringify(text) }
}

/** Nested columns stand in CSV as JSON text; numbers that a double cannot hold are refused there. */
function asJson(type: DataType): CsvCheck {
  const check = valueCheck(type)
  const quoting = typeQuoting(type) ?? ((text: string) => text)
  return (text) => {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      return { at: '', reason: `is not JSON text, which a ${typeName(type)} column needs`, value: text }
    }
    const keys = countKeys(value, 1)
    if (keys === Number.POSITIVE_INFINITY) return { at: '', reason: tooDeep, value: text }
    if (duplicateKey(text, keys) !== null || hasHalfCharacter(text))
      return { at: '', reason: 'is JSON with a key that stands twice or half of a character', value: text }
    if (value === null) return { json: 'null' }
    const verdict = check(value)
    if (verdict === 'inexact') return { at: '', reason: 'holds a number with too many digits for CSV', value: text }
    return verdict ?? { json: quoting(text).replaceAll(/[\r\n]/g, ' ') }
  }
}
