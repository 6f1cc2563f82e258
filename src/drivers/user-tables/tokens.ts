/** Tokens of a statement, as the embedded engine would cut it; comments fall out. */
import { fail } from '../../core/errors.ts'

export interface Token {
  readonly kind: 'word' | 'quoted' | 'string' | 'number' | 'symbol'
  /** As written; strings and quoted names with their quotes. */
  readonly text: string
  readonly start: number
  readonly end: number
}

const patterns: readonly (readonly [Token['kind'] | 'space', RegExp])[] = [
  ['space', /\s+|--[^\n]*|\/\*(?:[^*]|\*(?!\/))*\*\//y],
  ['string', /'(?:[^']|'')*'/y],
  ['quoted', /"(?:[^"]|"")+"/y],
  ['word', /[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*/y],
  ['number', /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y],
  ['symbol', /[^\s'"$\\\0]/y],
]

/** Throws `bad-statement` for a literal that does not end, and for `$` and `\`, whose meaning depends on the engine. */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < sql.length) {
    const start = at
    for (const [kind, pattern] of patterns) {
      pattern.lastIndex = start
      const match = pattern.exec(sql)
      if (!match) continue
      at = pattern.lastIndex
      if (kind !== 'space') tokens.push({ kind, text: match[0], start, end: at })
      break
    }
    if (at === start) throw unreadable(sql, start)
    refuseEscapes(sql, tokens)
  }
  return tokens
}

/** `E'…'` and `X'…'` have escapes of their own: a quote in one may not be where it seems. */
function refuseEscapes(sql: string, tokens: readonly Token[]): void {
  const [before, last] = [tokens.at(-2), tokens.at(-1)]
  if (last?.kind === 'string' && before?.kind === 'word' && before.end === last.start && /^[ebxun]$/i.test(before.text))
    throw unreadable(sql, before.start)
}

function unreadable(sql: string, at: number): Error {
  const before = sql.slice(0, at).split('\n')
  return fail('usage', 'bad-statement', 'the statement cannot be read from here on', {
    where: `sql:${before.length}:${before.at(-1)!.length + 1}`,
    hint: "texts stand in '…' with '' for a quote, names in \"…\"; $ and \\ are not used",
  })
}
