/**
 * One INSERT, UPDATE or DELETE, cut into its parts. Expressions stay text: the locked engine parses them, over the user's own rows and nothing
 * else, so that what is cut wrongly here can be refused or misread there but never reaches another user's rows.
 */
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import { type Token, tokenize } from './tokens.ts'

export type Statement = { readonly namespace: string | null; readonly table: string } & (
  | { readonly is: 'insert'; readonly columns: readonly string[] | null; readonly rows: readonly (readonly string[])[] }
  | {
      readonly is: 'update'
      readonly set: readonly { readonly column: string; readonly value: string }[]
      readonly where: string | null
    }
  | { readonly is: 'delete'; readonly where: string | null }
)

/** Throws `bad-statement` (usage) with line and column. */
export function parseStatement(sql: string): Statement {
  return new Parser(sql).statement()
}

class Parser {
  private readonly sql: string
  private readonly tokens: readonly Token[]
  private at = 0
  constructor(sql: string) {
    this.sql = sql
    this.tokens = tokenize(sql)
  }

  statement(): Statement {
    const statement = this.accept('INSERT')
      ? this.insert()
      : this.accept('UPDATE')
        ? this.update()
        : this.accept('DELETE')
          ? this.delete()
          : undefined
    if (!statement) throw this.wrong('INSERT, UPDATE or DELETE')
    this.accept(';')
    if (this.at < this.tokens.length) throw this.wrong('the end of the statement')
    return statement
  }

  private insert(): Statement {
    this.expect('INTO')
    const name = this.tableName()
    const columns = this.peek('(') ? this.list(() => this.identifier()) : null
    this.expect('VALUES')
    const rows = [this.list(() => this.expression())]
    while (this.accept(',')) rows.push(this.list(() => this.expression()))
    return { is: 'insert', ...name, columns, rows }
  }
  private update(): Statement {
    const name = this.tableName()
    this.expect('SET')
    const set = [this.assignment()]
    while (this.accept(',')) set.push(this.assignment())
    return { is: 'update', ...name, set, where: this.where() }
  }
  private delete(): Statement {
    this.expect('FROM')
    return { is: 'delete', ...this.tableName(), where: this.where() }
  }
  private assignment() {
    const column = this.identifier()
    this.expect('=')
    return { column, value: this.expression() }
  }
  private where(): string | null {
    return this.accept('WHERE') ? this.expression() : null
  }

  private tableName(): { namespace: string | null; table: string } {
    const first = this.identifier()
    return this.accept('.') ? { namespace: first, table: this.identifier() } : { namespace: null, table: first }
  }
  private identifier(): string {
    const token = this.tokens[this.at]
    if (token?.kind !== 'word' && token?.kind !== 'quoted') throw this.wrong('a name')
    this.at++
    return token.kind === 'quoted' ? token.text.slice(1, -1).replaceAll('""', '"') : token.text
  }
  private list<T>(one: () => T): T[] {
    this.expect('(')
    const all = [one()]
    while (this.accept(',')) all.push(one())
    this.expect(')')
    return all
  }

  /** Up to a comma, WHERE, `;` or closing bracket that is its own, comments left out. */
  private expression(): string {
    const begin = this.at
    const open: string[] = []
    for (; this.at < this.tokens.length; this.at++) {
      const { kind, text } = this.tokens[this.at]!
      if (kind === 'symbol' && '([{'.includes(text)) open.push(text)
      else if (kind === 'symbol' && ')]}'.includes(text)) {
        if (open.length === 0) break
        if (`${open.pop()}${text}` !== pairOf[text]) throw this.wrong('the bracket that was opened')
      } else if (kind === 'symbol' && text === ';') break
      else if (open.length === 0 && (text === ',' || (kind === 'word' && text.toUpperCase() === 'WHERE'))) break
    }
    if (open.length > 0) throw this.wrong(`a bracket that closes "${open.at(-1)}"`)
    if (this.at === begin) throw this.wrong('an expression')
    return this.text(begin, this.at)
  }
  private text(from: number, to: number): string {
    let text = ''
    for (let i = from; i < to; i++) {
      const token = this.tokens[i]!
      const before = this.tokens[i - 1]
      text += (i > from && before!.end < token.start ? ' ' : '') + token.text
    }
    return text
  }

  private peek(text: string): boolean {
    const token = this.tokens[this.at]
    return (
      token !== undefined && token.kind !== 'quoted' && token.kind !== 'string' && token.text.toUpperCase() === text
    )
  }
  private accept(text: string): boolean {
    if (!this.peek(text)) return false
    this.at++
    return true
  }
  private expect(text: string): void {
    if (!this.accept(text)) throw this.wrong(text)
  }
  private wrong(expected: string): Error {
    const token = this.tokens[this.at]
    const before = this.sql.slice(0, token?.start ?? this.sql.length).split('\n')
    const found = token ? `"${printable(token.text)}"` : 'the end'
    return fail('usage', 'bad-statement', `expected ${expected}, and found ${found}`, {
      where: `sql:${before.length}:${before.at(-1)!.length + 1}`,
    })
  }
}

const pairOf: Readonly<Record<string, string>> = { ')': '()', ']': '[]', '}': '{}' }
