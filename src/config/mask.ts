/**
 * A snippet of a config file may hold a password that somebody typed where a reference belongs, and the snippet lands in
 * CI logs. What looks like a secret is printed as `***`; too much is masked rather than too little.
 */

/** Half-open range of offsets into one line. */
export type Range = readonly [start: number, end: number]

/** `password: …`, `'apiToken': …`, also misspelt (`pasword`). */
const secretKey = /(?:pas+w|passphrase|pwd|secret|token|credential|(?:api|access|private)[-_]?key)[\w-]*["']?\s*:\s*/gi
const reference = /^["']?(?:env|file|cmd):/
const notOneValue = /^[{&*|>]/
const valueText = /^(?:\[[^\]]*\]?|"(?:[^"\\]|\\.)*"?|'[^']*'?|[^,}\]]+)/
/** The user part of a URL: `//admin:hunter2@`. */
const userInfo = /(?<=:\/\/)[^\s/@'"]*:[^\s/'"]*(?=@)/g
/** What a URL is asked with: `?key=hunter2`. */
const query = /(?<=:\/\/[^\s?'"]*\?)[^\s'",}\]]+/g

/** Ranges of `line` that look like secrets. References are none. */
export function secretRanges(line: string): Range[] {
  const inUrls = [...line.matchAll(userInfo), ...line.matchAll(query)]
  const ranges: Range[] = inUrls.map((match) => [match.index, match.index + match[0].length])
  for (const match of line.matchAll(secretKey)) {
    const start = match.index + match[0].length
    const value = valueText.exec(line.slice(start))?.[0].trimEnd() ?? ''
    if (value !== '' && !notOneValue.test(value) && !reference.test(value)) ranges.push([start, start + value.length])
  }
  return ranges
}

/** `line` with the ranges replaced by `***`, and where offset `at` has gone. */
export function maskRanges(line: string, ranges: readonly Range[], at = 0): { text: string; at: number } {
  let text = ''
  let done = 0
  let moved = at
  for (const [start, end] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (end <= done) continue
    const from = Math.max(start, done)
    text += line.slice(done, from)
    if (at > from) moved = at < end ? text.length : moved + 3 - (end - from)
    text += '***'
    done = end
  }
  return { text: text + line.slice(done), at: moved }
}

/** A URL with its password and its query masked; other text as it is. */
export const maskUserInfo = (text: string): string => text.replace(userInfo, '***').replace(query, '***')
