/** Types of JSON values that were seen, merged row by row. What comes out is what a load accepts for these rows. */
import type { DataType, Field } from '../core/types.ts'
import { dateProblem, timestampProblem } from './ingest/scalar-text.ts'

/** `none`: only nulls so far. `mixed`: kinds that only Json holds together. */
type Shape =
  | { readonly is: 'none' | 'boolean' | 'integer' | 'big' | 'float' | 'date' | 'time' | 'text' | 'mixed' }
  | { readonly is: 'list'; readonly item: Shape }
  | { readonly is: 'object'; readonly members: ReadonlyMap<string, Shape> }

/** More members than this are data, not columns. */
const mostMembers = 200
const deepest = 16

export interface JsonColumns {
  add(row: Readonly<Record<string, unknown>>): void
  fields(): Field[]
}

export function jsonColumns(): JsonColumns {
  const columns = new Map<string, Shape>()
  return {
    add(row) {
      for (const [name, value] of Object.entries(row))
        columns.set(name, merge(columns.get(name) ?? { is: 'none' }, shapeOf(value, 0)))
    },
    fields: () => [...columns].map(([name, shape]) => ({ name, type: typeOf(shape), nullable: true })),
  }
}

function shapeOf(value: unknown, depth: number): Shape {
  if (value === null) return { is: 'none' }
  switch (typeof value) {
    case 'boolean':
      return { is: 'boolean' }
    case 'number':
      if (!Number.isInteger(value) || Math.abs(value) >= 1e38) return { is: 'float' }
      return { is: Math.abs(value) < 2 ** 63 ? 'integer' : 'big' }
    case 'string':
      if (dateProblem(value) === null) return { is: 'date' }
      return { is: timestampProblem(value, true, 'Microsecond') === null ? 'time' : 'text' }
  }
  if (depth > deepest) return { is: 'mixed' }
  if (Array.isArray(value))
    return { is: 'list', item: value.map((item) => shapeOf(item, depth + 1)).reduce(merge, { is: 'none' }) }
  const members = Object.entries(value as object).map(([name, member]) => [name, shapeOf(member, depth + 1)] as const)
  return members.length === 0 || members.length > mostMembers
    ? { is: 'mixed' }
    : { is: 'object', members: new Map(members) }
}

const numbers = ['integer', 'big', 'float']
const texts = ['date', 'time', 'text']

function merge(a: Shape, b: Shape): Shape {
  if (a.is === 'none') return b
  if (b.is === 'none') return a
  if (a.is === 'list' && b.is === 'list') return { is: 'list', item: merge(a.item, b.item) }
  if (a.is === 'object' && b.is === 'object') {
    const members = new Map(a.members)
    for (const [name, shape] of b.members) members.set(name, merge(members.get(name) ?? { is: 'none' }, shape))
    return members.size > mostMembers ? { is: 'mixed' } : { is: 'object', members }
  }
  if (a.is === b.is) return a
  // Later in its family is wider: a date is a time too, and both are texts.
  for (const family of [numbers, texts]) {
    const [x, y] = [family.indexOf(a.is), family.indexOf(b.is)]
    if (x >= 0 && y >= 0) return x > y ? a : b
  }
  return { is: 'mixed' }
}

function typeOf(shape: Shape): DataType {
  switch (shape.is) {
    case 'boolean':
      return { kind: 'Boolean' }
    case 'integer':
      return { kind: 'Int64' }
    case 'big':
      return { kind: 'Decimal128', precision: 38, scale: 0 }
    case 'float':
      return { kind: 'Float64' }
    case 'date':
      return { kind: 'Date32' }
    case 'time':
      return { kind: 'Timestamp', unit: 'Microsecond', zone: 'UTC' }
    case 'list':
      return { kind: 'List', item: typeOf(shape.item), itemNullable: true }
    case 'object':
      return {
        kind: 'Struct',
        fields: [...shape.members].map(([name, member]) => ({ name, type: typeOf(member), nullable: true })),
      }
    case 'mixed':
      return { kind: 'Json' }
    default:
      return { kind: 'Utf8' }
  }
}
