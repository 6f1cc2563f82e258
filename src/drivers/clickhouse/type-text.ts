/** ClickHouse's type names, as the server prints them: `Map(LowCardinality(String), Array(Nullable(DateTime64(9, 'UTC'))))`. */
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'

export interface TypeText {
  readonly name: string
  readonly arguments: readonly TypeArgument[]
}
/** A type with the name that it has in a named tuple, a number, a text, or an enum's member. */
export type TypeArgument =
  | { readonly is: 'type'; readonly label: string | null; readonly type: TypeText }
  | { readonly is: 'literal'; readonly value: string }

/** Throws `data`/`bad-type`. */
export function parseTypeText(text: string): TypeText {
  const tokens = [...text.matchAll(/'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|[A-Za-z0-9_.+-]+|[(),=]/gs)].map(
    ([token]) => token,
  )
  let at = 0
  const wrong = () =>
    fail('data', 'bad-type', `"${printable(text)}" is no type that this version of tblctl understands`)
  const isName = (token: string | undefined) => token !== undefined && /^[A-Za-z_`]/.test(token)

  function type(depth: number): TypeText {
    const name = tokens[at++]
    if (!isName(name) || depth > 64) throw wrong()
    if (tokens[at] !== '(') return { name: unquote(name!), arguments: [] }
    at++
    const found: TypeArgument[] = []
    while (tokens[at] !== ')') {
      found.push(argument(depth))
      if (tokens[at] === ',') at++
      else if (tokens[at] !== ')') throw wrong()
    }
    at++
    return { name: unquote(name!), arguments: found }
  }
  function argument(depth: number): TypeArgument {
    const token = tokens[at]
    if (token === undefined) throw wrong()
    if (!isName(token)) {
      at++
      if (tokens[at] === '=') at += 2 // 'member' = 1
      return { is: 'literal', value: unquote(token) }
    }
    const labelled = isName(tokens[at + 1])
    if (labelled) at++
    return { is: 'type', label: labelled ? unquote(token) : null, type: type(depth + 1) }
  }

  const whole = type(0)
  if (at !== tokens.length) throw wrong()
  return whole
}

const unquote = (token: string): string =>
  /^['`]/.test(token) ? token.slice(1, -1).replace(/\\(.)/gs, (_, char: string) => escapes[char] ?? char) : token
const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0', b: '\b', f: '\f' }
