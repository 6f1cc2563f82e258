/** Which rows a statement means, and what becomes of them, is the same when it is planned and when it is done: nothing in it is drawn by lot. */
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import { tokenize } from './tokens.ts'

/** Functions that the engine calls volatile (`duckdb_functions()`), without those that no query may call. */
const drawn = /^(random|setseed|uuid|uuidv4|uuidv7|gen_random_uuid|stats)$/

/** Throws `volatile-expression` (usage) for an expression of SET or WHERE that gives another value each time. */
export function requireStable(expression: string, clause: 'SET' | 'WHERE'): void {
  const tokens = tokenize(expression)
  tokens.forEach(({ kind, text }, i) => {
    if (kind !== 'word' && kind !== 'quoted') return
    const name = (kind === 'quoted' ? text.slice(1, -1) : text).toLowerCase()
    const isSample =
      kind === 'word' && (name === 'tablesample' || (name === 'sample' && /^using$/i.test(tokens[i - 1]?.text ?? '')))
    const isCall = tokens[i + 1]?.text === '('
    if (!isSample && !(isCall && drawn.test(name))) return
    throw fail(
      'usage',
      'volatile-expression',
      `${clause} calls ${printable(text)}, which gives something else each time`,
      {
        hint: 'what is planned and what is done would not be the same rows; name them by their values',
      },
    )
  })
}
