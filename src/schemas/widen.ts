/** Which types hold every value of another one exactly. Dates never become timestamps: which hour of the day is not known. */
import { type DataType, sameType } from '../core/types.ts'

const whole = /^(U?)Int(8|16|32|64)$/

/** True when every value of `from` has one exact value in `to`, and the two differ. */
export function widens(from: DataType, to: DataType): boolean {
  return !sameType(from, to) && holds(from, to)
}

function holds(from: DataType, to: DataType): boolean {
  if (sameType(from, to)) return true
  if (from.kind === 'Float32') return to.kind === 'Float64'
  if (from.kind === 'Decimal128' && to.kind === 'Decimal128')
    return to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale
  if (from.kind === 'List' && to.kind === 'List')
    return relaxes(from.itemNullable, to.itemNullable) && holds(from.item, to.item)
  if (from.kind === 'Map' && to.kind === 'Map')
    return relaxes(from.valueNullable, to.valueNullable) && sameType(from.key, to.key) && holds(from.value, to.value)
  if (from.kind === 'Struct' && to.kind === 'Struct') {
    const kept = from.fields.every((field) => {
      const now = to.fields.find((other) => other.name === field.name)
      return now !== undefined && relaxes(field.nullable, now.nullable) && holds(field.type, now.type)
    })
    return kept && to.fields.every((field) => field.nullable || from.fields.some((other) => other.name === field.name))
  }
  const [small, large] = [whole.exec(from.kind), whole.exec(to.kind)]
  if (!small || !large) return false
  const signed = small[1] === '' && large[1] === ''
  const unsigned = small[1] === 'U' && large[1] === 'U'
  const bits = Number(large[2]) - Number(small[2])
  return bits > 0 && (signed || unsigned || small[1] === 'U')
}

const relaxes = (from: boolean, to: boolean): boolean => to || !from
