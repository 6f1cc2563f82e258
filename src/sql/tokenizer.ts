/** Text → tokens: words, quoted names, strings, numbers, symbols; comments apart, because hints stand in them. Linear in the text. */
import { badSql, type Source } from './problem.ts'

export interface Token {
  /** `name`: quoted, so it is never a keyword. */
  readonly kind: 'word' | 'name' | 'string' | 'number' | 'symbol' | 'end'
  /** Without quotes, doubled ones made single. A symbol is one character. */
  readonly value: string
  /** Offsets in UTF-16 units; `end` is exclusive. */
  readonly start: number
  readonly end: number
}

export interface Comment {
  readonly form: 'block' | 'line'
  /** Between its marks. */
  readonly text: string
  readonly start: number
}

const closing: Readonly<Record<string, string>> = { "'": "'", '"': '"', '`': '`', '[': ']' }
const symbols = new Set('(),;.=<>!+-*/%|&~^?:@#{}]')

/** The last token is `end`. Throws `bad-sql` for what is not closed and for characters that no statement has. */
export function tokenize(source: Source): { readonly tokens: readonly Token[]; readonly comments: readonly Comment[] } {
  const { text } = source
  const tokens: Token[] = []
  const comments: Comment[] = []
  let at = 0
  const take = (kind: Token['kind'], value: string, end: number): void => {
    tokens.push({ kind, value, start: at, end })
    at = end
  }
  while (at < text.length) {
    const char = text[at]!
    if (isSpace(char)) at++
    else if (text.startsWith('--', at)) {
      const end = lineEnd(text, at)
      comments.push({ form: 'line', text: text.slice(at + 2, end), start: at })
      at = end
    } else if (text.startsWith('/*', at)) {
      const end = text.indexOf('*/', at + 2)
      if (end < 0) throw badSql(source, at, 'the comment is not closed', 'a comment ends with */')
      comments.push({ form: 'block', text: text.slice(at + 2, end), start: at })
      at = end + 2
    } else if (char in closing) {
      const { value, end } = quoted(source, at, closing[char]!)
      take(char === "'" ? 'string' : 'name', value, end)
    } else if (isDigit(char) || (char === '.' && isDigit(text[at + 1]))) {
      const end = numberEnd(text, at)
      if (isWordPart(text[end])) throw badSql(source, at, `"${text.slice(at, end + 1)}…" is no number`)
      take('number', text.slice(at, end), end)
    } else if (isWordPart(char)) {
      let end = at + 1
      while (isWordPart(text[end])) end++
      take('word', text.slice(at, end), end)
    } else if (symbols.has(char)) take('symbol', char, at + 1)
    else throw badSql(source, at, `the character "${char}" has no meaning here`)
  }
  take('end', '', text.length)
  return { tokens, comments }
}

/** A closing quote that stands twice is one character of the value; a bracket is not doubled. */
function quoted(source: Source, start: number, close: string): { value: string; end: number } {
  const { text } = source
  let value = ''
  let from = start + 1
  for (;;) {
    const at = text.indexOf(close, from)
    if (at < 0)
      throw badSql(
        source,
        start,
        close === "'" ? 'the string is not closed' : 'the quoted name is not closed',
        `it ends with ${close}`,
      )
    value += text.slice(from, at)
    if (close === ']' || text[at + 1] !== close) return { value, end: at + 1 }
    value += close
    from = at + 2
  }
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at)
  return end < 0 ? text.length : end
}

/** `12`, `1.5`, `.5`, `1e-9`, `0xff` */
function numberEnd(text: string, start: number): number {
  let at = start
  if (text[at] === '0' && (text[at + 1] === 'x' || text[at + 1] === 'X')) {
    at += 2
    while (isHexDigit(text[at])) at++
    return at
  }
  while (isDigit(text[at])) at++
  if (text[at] === '.') {
    at++
    while (isDigit(text[at])) at++
  }
  if (text[at] !== 'e' && text[at] !== 'E') return at
  const sign = text[at + 1] === '+' || text[at + 1] === '-' ? 1 : 0
  if (!isDigit(text[at + 1 + sign])) return at
  at += 1 + sign
  while (isDigit(text[at])) at++
  return at
}

const isSpace = (char: string): boolean => /\s/u.test(char)
const isDigit = (char: string | undefined): boolean => char !== undefined && char >= '0' && char <= '9'
const isHexDigit = (char: string | undefined): boolean => char !== undefined && /^[0-9a-f]$/i.test(char)
/** As in SQLite: letters, digits, `_`, `$`, and everything beyond ASCII that is no space. */
const isWordPart = (char: string | undefined): boolean =>
  char !== undefined && (/^[A-Za-z0-9_$]$/.test(char) || (char > '\u009f' && !isSpace(char)))
