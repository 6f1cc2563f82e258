/** Text of a flag → value. Each throws a usage error that says what would fit. */
import { fail } from '../../core/errors.ts'
import { isSegment, printable } from '../../core/ref.ts'
import { didYouMean } from '../../core/suggest.ts'
import { parseDuration } from '../../core/units.ts'

/** One of a few words. */
export function choice<Word extends string>(what: string, words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const word = words.find((candidate) => candidate === text)
    if (word !== undefined) return word
    const near = didYouMean(text, words)
    throw fail('usage', 'bad-choice', `"${printable(text)}" is no ${what}; choose ${words.join(', ')}`, {
      ...(near === undefined ? {} : { hint: `did you mean ${near}?` }),
    })
  }
}

/** 1 to `most`. */
export function positiveInteger(most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : 0
    if (value >= 1 && value <= most) return value
    throw fail('usage', 'bad-number', `"${printable(text)}" is no whole number from 1 to ${most}`)
  }
}

/** `a,b`; a name with a comma in it stands in double quotes, as in SQL. */
export function names(text: string): readonly string[] {
  const found = (text.match(/\s*(?:"(?:[^"]|"")+"|[^",]+)\s*(?:,|$)/g) ?? []).map((part) => {
    const name = part.replace(/,$/, '').trim()
    return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name
  })
  const whole = (text.match(/\s*(?:"(?:[^"]|"")+"|[^",]+)\s*(?:,|$)/g) ?? []).join('')
  if (whole === text && found.length > 0 && !text.trimEnd().endsWith(',') && found.every((name) => name !== ''))
    return found
  throw fail('usage', 'bad-names', `"${printable(text)}" is no list of names`, { hint: 'such as a,b' })
}

/** Between two looks at the same thing, in ms: without a pause, it would do nothing but look. */
export function interval(text: string): number {
  const ms = parseDuration(text)
  if (ms > 0) return ms
  throw fail('usage', 'bad-duration', `"${printable(text)}" is no pause`, { hint: 'such as 2s' })
}

/** Name of a project, backend or context. */
export function segment(text: string): string {
  if (isSegment(text)) return text
  throw fail('usage', 'bad-name', `"${printable(text)}" is no name`, { hint: 'tblctl help refs' })
}

/** `tier=hot`; the value may hold further "=". */
export function label(text: string): readonly [label: string, value: string] {
  const at = text.indexOf('=')
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
  throw fail('usage', 'bad-label', `"${printable(text)}" is no label`, { hint: 'write label=value, such as tier=hot' })
}

/** Goes into log lines, labels and backends' own metadata: plain characters only. */
export function runId(text: string): string {
  if (/^[A-Za-z0-9_.:-]{1,128}$/.test(text)) return text
  throw fail(
    'usage',
    'bad-run-id',
    `"${printable(text)}" is no run id (1 to 128 letters, digits, "_", ".", ":" and "-")`,
  )
}

/** Of an environment variable that stands for a flag without a value. */
export function truth(text: string): boolean {
  if (/^(1|true|yes|on)$/i.test(text)) return true
  if (/^(0|false|no|off)$/i.test(text)) return false
  throw fail('usage', 'bad-choice', `"${printable(text)}" is neither 1 nor 0`)
}
