/** Table names in a statement: the evaluator binds rows to top-level names only, so every path becomes one quoted name. */

const token =
  /(?<skip>--[^\n]*|#[^\n]*|\/\*[\s\S]*?\*\/|[rRbB]{0,2}(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))|(?<path>(?:`(?:\\.|[^`\\])+`|[A-Za-z_][\w-]*)(?:\s*\.\s*(?:`(?:\\.|[^`\\])+`|[A-Za-z_]\w*))*)/g

/** Rewrites the paths that `rename` knows: it is given their segments and answers the whole name. */
export function renameTables(sql: string, rename: (segments: readonly string[]) => string | undefined): string {
  return sql.replace(token, (text, ...groups) => {
    const { path } = groups.at(-1) as { path?: string }
    const name = path === undefined ? undefined : rename(segmentsOf(path))
    return name === undefined ? text : `\`${name}\``
  })
}

/** `p.d`.t, `p.d.t`, p.d.t: p, d, t. */
export const segmentsOf = (path: string): readonly string[] =>
  (path.match(/`(?:\\.|[^`\\])+`|[^.\s]+/g) ?? []).flatMap((part) =>
    part.startsWith('`') ? part.slice(1, -1).replace(/\\(.)/g, '$1').split('.') : [part],
  )
