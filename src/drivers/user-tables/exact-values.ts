/**
 * What a statement computes is stored as it is or refused: the engine's own cast would round, cut off and wrap in silence. Beside each value
 * stands the text that it was before the cast.
 */
import type { Batch, Cell } from '../../core/batch.ts'
import { fail } from '../../core/errors.ts'
import type { DataType, Field } from '../../core/types.ts'
import { countKeys, duplicateKey, hasHalfCharacter, tooDeep } from '../../engine/ingest/exact-json.ts'
import { sample } from '../../engine/ingest/row-check.ts'
import { decimalProblem, plainDecimal, typeName } from '../../engine/ingest/scalar-text.ts'
import { sqlType } from '../../engine/types.ts'

/** SQL of what is computed, and of the value that is made of it; `text` is a name of the first. */
export interface ExactSql {
  readonly computed: string
  value(text: string): string
}

export function exactSql({ type }: Field, expression: string): ExactSql {
  // The engine makes Json of any value, and bytes of a text, better from the value itself than from its text.
  if (type.kind === 'Json' || type.kind === 'Binary' || type.kind === 'Utf8')
    return { computed: `CAST((${expression}) AS ${sqlType(type)})`, value: (text) => text }
  return {
    computed: `CAST((${expression}) AS VARCHAR)`,
    value: (text) => `TRY_CAST(${text} AS ${sqlType(type)})`,
  }
}

/** Columns of `batches` after `first` are the texts of `checked`, in order: they are compared and left out. Throws `inexact-value` (data). */
export async function* exactRows(
  batches: AsyncIterable<Batch>,
  fields: readonly Field[],
  checked: readonly Field[],
  first: number,
): AsyncIterable<Batch> {
  for await (const batch of batches) {
    checked.forEach((field, c) => {
      const values = batch.columns[fields.indexOf(field)]!
      const texts = batch.columns[first + c]!
      for (let r = 0; r < batch.rows; r++) if (texts[r] !== null) requireExact(field, texts[r]!, values[r]!)
    })
    yield { ...batch, columns: batch.columns.slice(0, first) }
  }
}

function requireExact({ name, type }: Field, text: Cell, value: Cell): void {
  const problem = typeof text === 'string' ? problemOf(type, text.trim(), value) : null
  if (problem === null) return
  throw fail('data', 'inexact-value', `column ${sample(name)}: ${sample(text)} ${problem}`, {
    hint: 'nothing was written; say in the statement how it is to be rounded, or write another value',
  })
}

const firstDay = -719_162n // 0001-01-01
const lastDay = 2_932_896n // 9999-12-31
const microsOfDay = 86_400_000_000n

/** Null, or why `value` is not what `text` says. */
function problemOf(type: DataType, text: string, value: Cell): string | null {
  if (type.kind === 'Utf8' || type.kind === 'Binary') return null
  if (type.kind === 'Json') return jsonProblem(text)
  if (value === null) return `is not a ${typeName(type)}`
  switch (type.kind) {
    case 'Boolean':
      return /^(true|false)$/i.test(text) ? null : 'is not a Boolean (true or false)'
    case 'Float32':
    case 'Float64':
      return floatProblem(type.kind, text, value as number)
    case 'Decimal128':
      return decimalProblem(plainDecimal(text), type.precision, type.scale)
    case 'Date32':
      if (!inYears(BigInt(value as number))) return 'is not within the years 1 to 9999'
      return /^\d+-\d+-\d+(?:[ T]00:00(?::00(?:\.0+)?)?)?$/.test(text) ? null : 'is not a date alone'
    case 'Timestamp': {
      const days = (value as bigint) / (type.unit === 'Nanosecond' ? microsOfDay * 1000n : microsOfDay)
      if (!inYears(days)) return 'is not within the years 1 to 9999'
      if (type.zone === null && /[A-Za-z+-]/.test(text.slice(11)))
        return 'has a zone, and the column is a wall-clock time without one'
      const digits = type.unit === 'Nanosecond' ? 9 : 6
      const beyond = /\.(\d+)/.exec(text)?.[1]?.slice(digits) ?? ''
      return /[1-9]/.test(beyond) ? `has more than ${digits} digits after the point` : null
    }
    default: {
      const whole = /^([+-]?\d{1,40})(?:\.0*)?$/.exec(text)?.[1]
      return whole !== undefined && BigInt(whole) === BigInt(value as number | bigint) ? null : `is not an ${type.kind}`
    }
  }
}

const inYears = (day: bigint): boolean => day >= firstDay && day <= lastDay

/** A fraction becomes the nearest float, as everywhere; a whole number is meant to the last digit. */
function floatProblem(kind: string, text: string, value: number): string | null {
  if (!Number.isFinite(value)) return /^-?(nan|inf(inity)?)$/i.test(text) ? null : `is out of range for ${kind}`
  if (!/^[+-]?\d{1,400}$/.test(text)) return null
  return BigInt(text) === BigInt(value) ? null : `has more digits than a ${kind} holds`
}

function jsonProblem(text: string): string | null {
  const keys = countKeys(JSON.parse(text) as unknown, 1)
  if (keys === Number.POSITIVE_INFINITY) return tooDeep
  const twice = duplicateKey(text, keys)
  if (twice !== null) return `is Json in which the key ${sample(twice)} stands twice`
  return hasHalfCharacter(text) ? 'is Json with half of a surrogate pair' : null
}
