/** The one place from a thrown value to what is said on stderr and the exit code. */
import { type ErrorView, errorView, exitCodes, Stopped } from '../core/errors.ts'
import type { OutputFormat } from './flags/shared.ts'
import type { Io } from './io.ts'
import { jsonText } from './output/json.ts'
import { apiVersion } from './output/print.ts'
import { cleanLines } from './output/text.ts'
import { stopCodes } from './stop.ts'

export interface ErrorOptions {
  readonly output: OutputFormat
  readonly verbose: boolean
  /** Something was changed, so that the same command may go on with it. */
  readonly careful: boolean
}

/** Says it and returns the exit code. */
export function reportError(thrown: unknown, io: Io, options: ErrorOptions): number {
  const view = errorView(thrown)
  const machine = options.output === 'json' || options.output === 'ndjson'
  if (machine) io.stderr.say(jsonText({ apiVersion, kind: 'Error', error: view }, options.output === 'json' ? 2 : null))
  else io.stderr.say(errorLines(view, io, options.careful).join('\n'))
  // Who reads JSON must be able to parse all of stderr.
  if (view.kind === 'bug' && !(machine && !options.verbose)) io.stderr.say(bugText(thrown))
  else if (options.verbose && thrown instanceof Error) io.stderr.say(cleanLines(stackText(thrown)))
  return thrown instanceof Stopped ? stopCodes[thrown.why] : exitCodes[view.kind]
}

function errorLines(view: ErrorView, io: Io, careful: boolean): string[] {
  const [first = '', ...more] = cleanLines(view.message).split('\n')
  const lines = [`${io.stderr.colors.red('error:')} ${first}`, ...more.map((line) => `  ${line}`)]
  if (view.where !== undefined) lines.push(`  at ${cleanLines(view.where)}`)
  for (const hint of cleanLines(view.hint ?? '').split('\n'))
    if (hint !== '') lines.push(`  ${hint.startsWith('tblctl ') ? 'try: ' : ''}${hint}`)
  if (careful && view.kind !== 'bug' && view.retry === 'resume')
    lines.push('  the same command goes on where it stopped')
  return lines
}

const bugText = (thrown: unknown): string =>
  `this is a bug in tblctl; please report it with these lines\n${cleanLines(thrown instanceof Error ? stackText(thrown) : String(thrown))}`

/** The stack and what caused it. */
function stackText(error: Error): string {
  const own = error.stack ?? error.message
  return error.cause instanceof Error ? `${own}\ncaused by: ${stackText(error.cause)}` : own
}
