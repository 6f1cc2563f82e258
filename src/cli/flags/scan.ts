/** Finds the command in argv before its module is loaded: shared flags may stand on either side of it. */
import type { OptionSpec } from '../command.ts'

export interface Scan {
  readonly before: readonly string[]
  /** The first word that is neither a flag nor a flag's value; null when there is none before `--` or the end. */
  readonly word: string | null
  readonly after: readonly string[]
}

/** `flags` are those that may stand before the word; another flag is taken for one without a value. */
export function scan(argv: readonly string[], flags: readonly OptionSpec[]): Scan {
  const wanting = new Set(flags.flatMap((flag) => (takesValue(flag) ? flagNames(flag) : [])))
  for (let at = 0; at < argv.length; at++) {
    const token = argv[at]!
    if (token === '--') break
    if (!isFlag(token)) return { before: argv.slice(0, at), word: token, after: argv.slice(at + 1) }
    if (valueFollows(token, wanting)) at++
  }
  return { before: argv, word: null, after: [] }
}

const isFlag = (token: string): boolean => token.startsWith('-') && token !== '-'

/** `-o, --output <format>` → `-o`, `--output`. */
export function flagNames(flag: OptionSpec): string[] {
  return flag.flags.split(/, | /).filter((part) => part.startsWith('-'))
}

/** A value is a token of its own only when it must be there: `--watch [interval]` is `--watch` or `--watch=2s`. */
const takesValue = (flag: OptionSpec): boolean => flag.flags.includes('<')

/** `-o json`, `--output json`, `-qo json`; not `-ojson`, `--output=json`. */
function valueFollows(token: string, wanting: ReadonlySet<string>): boolean {
  if (token.startsWith('--')) return wanting.has(token)
  const first = [...token.slice(1)].findIndex((letter) => wanting.has(`-${letter}`))
  return first >= 0 && first === token.length - 2
}

/** commander takes the next word as the value of an optional one; here only `=` does. */
export function bindOptionalValues(argv: readonly string[], flags: readonly OptionSpec[], value: string): string[] {
  const optional = new Set(flags.flatMap((flag) => (flag.flags.includes('[') ? flagNames(flag) : [])))
  const end = argv.indexOf('--')
  return argv.map((token, at) => ((end < 0 || at < end) && optional.has(token) ? `${token}=${value}` : token))
}
