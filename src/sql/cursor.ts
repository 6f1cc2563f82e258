/** A place among the tokens of a statement: what the parsers look at, take and complain with. */
import { isSegment } from '../core/ref.ts'
import { badSql, type Source, unsupportedSql } from './problem.ts'
import type { TableName } from './statement.ts'
import { type Comment, type Token, tokenize } from './tokenizer.ts'

/** Of a column; a table's name is bound by the grammar of refs. */
const longestName = 256

export class Cursor {
  readonly source: Source
  readonly comments: readonly Comment[]
  private readonly tokens: readonly Token[]
  private at = 0

  /** Throws `bad-sql` for text that has no tokens, and for parentheses that do not fit. */
  constructor(source: Source) {
    this.source = source
    const { tokens, comments } = tokenize(source)
    this.tokens = tokens
    this.comments = comments
    this.checkParentheses()
  }

  peek(ahead = 0): Token {
    return this.tokens[Math.min(this.at + ahead, this.tokens.length - 1)]!
  }
  next(): Token {
    const token = this.peek()
    if (token.kind !== 'end') this.at++
    return token
  }
  /** Where the last token that was taken ends. */
  get lastEnd(): number {
    return this.at === 0 ? 0 : this.tokens[this.at - 1]!.end
  }

  /** These keywords stand here, one after the other. A quoted name is no keyword. */
  is(...words: readonly string[]): boolean {
    return words.every((word, i) => {
      const token = this.peek(i)
      return token.kind === 'word' && token.value.toUpperCase() === word
    })
  }
  accept(...words: readonly string[]): boolean {
    if (!this.is(...words)) return false
    for (const _ of words) this.next()
    return true
  }
  expect(...words: readonly string[]): void {
    for (const word of words) if (!this.accept(word)) throw this.wrong(word)
  }

  isSymbol(symbol: string): boolean {
    const token = this.peek()
    return token.kind === 'symbol' && token.value === symbol
  }
  acceptSymbol(symbol: string): boolean {
    if (!this.isSymbol(symbol)) return false
    this.next()
    return true
  }
  expectSymbol(symbol: string, what = `"${symbol}"`): void {
    if (!this.acceptSymbol(symbol)) throw this.wrong(what)
  }

  /** `( one, two )`, at least one. */
  list<Item>(one: () => Item): Item[] {
    this.expectSymbol('(')
    const items: Item[] = []
    do items.push(one())
    while (this.acceptSymbol(','))
    this.expectSymbol(')', '"," or ")"')
    return items
  }

  /** A name, quoted or not, as it is written. */
  name(what: string): string {
    const token = this.peek()
    if (token.kind !== 'word' && token.kind !== 'name') throw this.wrong(what)
    if (token.value === '') throw badSql(this.source, token.start, `the name of ${what} is empty`)
    if (token.value.length > longestName)
      throw badSql(this.source, token.start, `the name of ${what} is longer than ${longestName} characters`)
    return this.next().value
  }
  /** One that a ref can hold: it becomes part of one. */
  segment(what: string): string {
    const { start } = this.peek()
    const name = this.name(what)
    if (isSegment(name)) return name
    throw badSql(
      this.source,
      start,
      `"${name}" is no name for ${what}`,
      'letters, digits, "_", "." and "-", beginning with a letter, a digit or "_", at most 128 characters',
    )
  }
  /** `users`, `chat.messages` */
  tableName(): TableName {
    const first = this.segment('a table')
    if (!this.acceptSymbol('.')) return { project: null, table: first }
    const table = this.segment('a table')
    if (this.isSymbol('.'))
      throw this.bad('the name of a table has one part or two', this.peek(), 'write TABLE or NAMESPACE.TABLE')
    return { project: first, table }
  }
  string(what: string): string {
    if (this.peek().kind !== 'string') throw this.wrong(what)
    return this.next().value
  }

  /** Takes `( … )` with all that is in it. */
  skipParentheses(): void {
    this.expectSymbol('(')
    for (let depth = 1; depth > 0; ) {
      const { kind, value } = this.next()
      if (kind === 'symbol' && value === '(') depth++
      if (kind === 'symbol' && value === ')') depth--
    }
  }

  /** As it is written, from the beginning of a token to the end of the last one taken. */
  textFrom(start: number): string {
    return this.source.text.slice(start, this.lastEnd)
  }

  /** An error that says what stands here and what should. */
  wrong(expected: string, token = this.peek()): Error {
    const found = token.kind === 'end' ? 'the statement ends' : `"${this.written(token)}" stands`
    return badSql(this.source, token.start, `${found} where ${expected} is expected`)
  }
  /** An error for what is well written but means nothing together. */
  bad(message: string, token = this.peek(), hint?: string): Error {
    return badSql(this.source, token.start, message, hint)
  }
  unsupported(what: string, token = this.peek(), hint?: string): Error {
    return unsupportedSql(this.source, token.start, what, hint)
  }

  private written({ start, end }: Token): string {
    return this.source.text.slice(start, end)
  }

  private checkParentheses(): void {
    const open: Token[] = []
    for (const token of this.tokens) {
      if (token.kind !== 'symbol') continue
      if (token.value === '(') open.push(token)
      if (token.value === ')' && open.pop() === undefined) throw this.bad('this ")" closes nothing', token)
    }
    const last = open.pop()
    if (last) throw this.bad('this "(" is not closed', last)
  }
}
