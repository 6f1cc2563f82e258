/** What is wrong with a config file, each with its place; all of it is told at once. */
import { fail, type TblctlError } from '../core/errors.ts'
import { printable } from '../core/ref.ts'
import { maskRanges, type Range, secretRanges } from './mask.ts'

export interface Problem {
  readonly message: string
  /** Offset into the text; null = about the whole file. */
  readonly at: number | null
  /** Ranges of the text that must not be shown, whatever they look like. */
  readonly hide?: readonly Range[]
}

export interface SourceText {
  /** As people are told it. */
  readonly name: string
  readonly text: string
  /** Offsets of the first characters of all lines. */
  readonly lineStarts: readonly number[]
}

export function sourceText(name: string, text: string): SourceText {
  const lineStarts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1)
  return { name, text, lineStarts }
}

const mostShown = 20
const snippetWidth = 120

/** 1-based; columns count UTF-16 units, as editors do. */
function positionOf({ lineStarts }: SourceText, at: number): { line: number; column: number } {
  let [low, high] = [0, lineStarts.length]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (lineStarts[middle]! <= at) low = middle
    else high = middle
  }
  return { line: low + 1, column: at - lineStarts[low]! + 1 }
}

/** `tblctl.yaml:3:5`. */
export function placeOf(source: SourceText, at: number | null): string {
  if (at === null) return source.name
  const { line, column } = positionOf(source, at)
  return `${source.name}:${line}:${column}`
}

/** One error of kind config for all problems, in the order of the file. */
export function configError(
  source: SourceText,
  problems: readonly Problem[],
  options: { code?: string; hint?: string } = {},
): TblctlError {
  const sorted = distinct(problems).sort((a, b) => (a.at ?? -1) - (b.at ?? -1))
  const first = sorted[0]!
  // One line may hold two mistakes: what one of them hides, the other must not show.
  const hidden = sorted.flatMap((problem) => problem.hide ?? [])
  const more = { where: placeOf(source, first.at), ...(options.hint === undefined ? {} : { hint: options.hint }) }
  const code = options.code ?? 'config-invalid'
  if (sorted.length === 1)
    return fail('config', code, [first.message, ...snippet(source, first.at, hidden)].join('\n'), more)
  const blocks = sorted.slice(0, mostShown).flatMap((problem) => {
    return [`${placeOf(source, problem.at)}: ${problem.message}`, ...snippet(source, problem.at, hidden)]
  })
  const left = sorted.length - mostShown
  if (left > 0) blocks.push(`and ${left} more`)
  return fail('config', code, [`${source.name} has ${sorted.length} errors`, ...blocks].join('\n'), more)
}

/** The same mistake is found once in a backend and again in every context that inherits it. */
function distinct(problems: readonly Problem[]): Problem[] {
  const seen = new Map<string, Problem>()
  for (const problem of problems) {
    const key = `${problem.at} ${problem.message}`
    if (!seen.has(key)) seen.set(key, problem)
  }
  return [...seen.values()]
}

/** The line and a caret below the place, secrets masked, long lines cut around the place. */
function snippet(source: SourceText, at: number | null, hide: readonly Range[]): string[] {
  if (at === null) return []
  const { line, column } = positionOf(source, at)
  const lineStart = at - column + 1
  const lineEnd = source.text.indexOf('\n', lineStart)
  const text = source.text.slice(lineStart, lineEnd < 0 ? undefined : lineEnd).replace(/\r$/, '')
  if (text.trim() === '') return []
  const hidden = hide.flatMap(([start, end]): Range[] => {
    const range: Range = [Math.max(0, start - lineStart), Math.min(text.length, end - lineStart)]
    return range[0] < range[1] ? [range] : []
  })
  const masked = maskRanges(text, [...secretRanges(text), ...hidden], Math.min(column - 1, text.length))
  const cut = Math.max(0, masked.at - snippetWidth / 2)
  const shown = masked.text.slice(cut, cut + snippetWidth)
  const gutter = String(line).padStart(6)
  const indent = printable(shown.slice(0, masked.at - cut)).length
  return [`${gutter} | ${printable(shown)}`, `${' '.repeat(gutter.length)} | ${' '.repeat(indent)}^`]
}
