/**
 * Column types: Arrow's logical types by their usual names, as the YAML of table schemas writes them
 * (`Utf8`, `Timestamp(Microsecond, Some("UTC"))`, `List(Int64)`). Every driver maps them both ways in its own types.ts.
 */
import { fail } from './errors.ts'
import { printable } from './ref.ts'

export type TimeUnit = 'Second' | 'Millisecond' | 'Microsecond' | 'Nanosecond'
const simple = [
  'Boolean',
  'Int8',
  'Int16',
  'Int32',
  'Int64',
  'UInt8',
  'UInt16',
  'UInt32',
  'UInt64',
  'Float32',
  'Float64',
  'Utf8',
  'Binary',
  'Date32',
  'Json',
  'Variant',
] as const
export type SimpleType = (typeof simple)[number]

export type DataType =
  | { readonly kind: SimpleType }
  | { readonly kind: 'Decimal128'; readonly precision: number; readonly scale: number }
  /** `zone` null = wall-clock time without a zone; otherwise an instant, stored as UTC. */
  | { readonly kind: 'Timestamp'; readonly unit: TimeUnit; readonly zone: string | null }
  | { readonly kind: 'List'; readonly item: DataType; readonly itemNullable: boolean }
  | { readonly kind: 'Map'; readonly key: DataType; readonly value: DataType; readonly valueNullable: boolean }
  | { readonly kind: 'Struct'; readonly fields: readonly Field[] }

export interface Field {
  readonly name: string
  readonly type: DataType
  readonly nullable: boolean
  readonly description?: string
}

/** The text that parseType reads back: `Struct("a": Utf8, "b": List(Int64 not null) not null)`. */
export function formatType(type: DataType): string {
  switch (type.kind) {
    case 'Decimal128':
      return `Decimal128(${type.precision}, ${type.scale})`
    case 'Timestamp':
      return `Timestamp(${type.unit}, ${type.zone === null ? 'None' : `Some(${JSON.stringify(type.zone)})`})`
    case 'List':
      return `List(${formatType(type.item)}${notNull(type.itemNullable)})`
    case 'Map':
      return `Map(${formatType(type.key)}, ${formatType(type.value)}${notNull(type.valueNullable)})`
    case 'Struct':
      return `Struct(${type.fields.map((f) => `${JSON.stringify(f.name)}: ${formatType(f.type)}${notNull(f.nullable)}`).join(', ')})`
    default:
      return type.kind
  }
}
const notNull = (nullable: boolean): string => (nullable ? '' : ' not null')

export const sameType = (a: DataType, b: DataType): boolean => formatType(a) === formatType(b)

/** Throws a `data` error that says where in the text it stopped understanding. Nesting is bounded (32). */
export function parseType(text: string): DataType {
  const parser = new TypeParser(text)
  const type = parser.type(0)
  parser.end()
  return type
}

const units: readonly TimeUnit[] = ['Second', 'Millisecond', 'Microsecond', 'Nanosecond']

class TypeParser {
  private at = 0
  private readonly text: string
  constructor(text: string) {
    this.text = text
  }

  type(depth: number): DataType {
    if (depth > 32) throw this.wrong('types nest at most 32 deep')
    const start = this.at
    const name = this.word()
    if ((simple as readonly string[]).includes(name)) return { kind: name as SimpleType }
    switch (name) {
      case 'Decimal128':
      case 'Decimal': {
        this.expect('(')
        const precision = this.integer()
        this.expect(',')
        const scale = this.integer()
        this.expect(')')
        if (precision < 1 || precision > 38 || scale < 0 || scale > precision)
          throw this.wrong('a decimal has a precision of 1 to 38 and a scale of 0 to its precision')
        return { kind: 'Decimal128', precision, scale }
      }
      case 'Timestamp': {
        this.expect('(')
        const unit = this.word() as TimeUnit
        if (!units.includes(unit)) throw this.wrong(`a time unit is one of ${units.join(', ')}`)
        this.expect(',')
        const zone = this.zone()
        this.expect(')')
        return { kind: 'Timestamp', unit, zone }
      }
      case 'List': {
        this.expect('(')
        const item = this.type(depth + 1)
        const itemNullable = this.nullable()
        this.expect(')')
        return { kind: 'List', item, itemNullable }
      }
      case 'Map': {
        this.expect('(')
        const key = this.type(depth + 1)
        this.expect(',')
        const value = this.type(depth + 1)
        const valueNullable = this.nullable()
        this.expect(')')
        return { kind: 'Map', key, value, valueNullable }
      }
      case 'Struct':
        return this.struct(depth)
      default:
        this.at = start
        throw this.wrong(name === '' ? 'a type name is missing' : `unknown type "${printable(name)}"`)
    }
  }

  end(): void {
    this.space()
    if (this.at < this.text.length) throw this.wrong('there is more text after the type')
  }

  private struct(depth: number): DataType {
    this.expect('(')
    const fields: Field[] = []
    const names = new Set<string>()
    do {
      const name = this.peek() === '"' ? this.string() : this.word()
      if (name === '') throw this.wrong('a field name is missing')
      if (names.has(name)) throw this.wrong(`field "${printable(name)}" stands twice`)
      names.add(name)
      this.expect(':')
      const type = this.type(depth + 1)
      fields.push({ name, type, nullable: this.nullable() })
    } while (this.accept(','))
    this.expect(')')
    return { kind: 'Struct', fields }
  }

  private zone(): string | null {
    const word = this.word()
    if (word === 'None') return null
    if (word !== 'Some') throw this.wrong('a zone is None or Some("UTC")')
    this.expect('(')
    const zone = this.string()
    this.expect(')')
    return zone
  }
  private nullable(): boolean {
    this.space()
    const match = /^not\s+null\b/.exec(this.text.slice(this.at))
    if (match) this.at += match[0].length
    return !match
  }
  private string(): string {
    this.space()
    const match = /^"(?:[^"\\]|\\.)*"/.exec(this.text.slice(this.at))
    if (!match) throw this.wrong('a quoted text is missing')
    this.at += match[0].length
    try {
      return JSON.parse(match[0]) as string
    } catch {
      throw this.wrong(`${match[0]} is not a valid quoted text`)
    }
  }
  private integer(): number {
    const word = this.word()
    if (!/^\d{1,3}$/.test(word)) throw this.wrong('a number is missing')
    return Number(word)
  }
  private word(): string {
    this.space()
    const match = /^[A-Za-z0-9_]*/.exec(this.text.slice(this.at))!
    this.at += match[0].length
    return match[0]
  }
  private accept(char: string): boolean {
    if (this.peek() !== char) return false
    this.at++
    return true
  }
  private expect(char: string): void {
    if (!this.accept(char)) throw this.wrong(`"${char}" is missing`)
  }
  private peek(): string | undefined {
    this.space()
    return this.text[this.at]
  }
  private space(): void {
    while (this.text[this.at] === ' ') this.at++
  }
  private wrong(why: string): Error {
    return fail('data', 'bad-type', `type "${printable(this.text)}": ${why} (at character ${this.at + 1})`, {
      hint: `types are ${simple.join(', ')}, Decimal128(p, s), Timestamp(unit, None|Some("UTC")), List(T), Map(K, V), Struct("name": T)`,
    })
  }
}
