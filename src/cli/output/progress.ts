/**
 * Remarks and progress on stderr. On a terminal a block of lines, one for each running job, painted again in place; otherwise one
 * plain line for a job every 10 s; with `--log-format json` JSON lines that carry the run id. Driven by events: no timer, nothing to leak.
 */
import type { Reporter } from '../../core/host.ts'
import type { JsonObject } from '../../core/json.ts'
import type { LogLevel, Progress } from '../../core/operation.ts'
import { formatBytes, formatDuration } from '../../core/units.ts'
import type { Io } from '../io.ts'
import { jsonText } from './json.ts'
import { clean, cleanLines, shorten, spokenVerb } from './text.ts'

export interface ProgressOptions {
  readonly quiet: boolean
  readonly verbose: boolean
  readonly logFormat: 'text' | 'json'
  readonly run: string
}

export interface CliReporter extends Reporter {
  /** `optimize lake:acme/metrics` of what runs now. */
  running(): readonly string[]
  /** Takes the painted lines away, before data or a question is written. */
  clear(): void
}

interface Running {
  readonly verb: string
  readonly ref: string
  readonly job: string
  readonly since: number
  /** `done` of the first event: what an earlier run did does not count for the rate. */
  readonly from: number
  progress: Progress
  saidAt: number
}

const plainEveryMs = 10_000
const paintEveryMs = 100
const mostLines = 8

export function createReporter(io: Io, options: ProgressOptions): CliReporter {
  const jobs = new Map<string, Running>()
  const { stderr } = io
  const paints = stderr.isTTY && !options.quiet && options.logFormat === 'text'
  let painted = 0
  let paintedAt = Number.NEGATIVE_INFINITY

  const clear = (): void => {
    if (painted > 0) stderr.stream.write(`\u001b[${painted}A\u001b[J`, () => {})
    painted = 0
  }
  const paint = (): void => {
    clear()
    const all = [...jobs.values()]
    const lines = all.slice(0, mostLines).map((job) => progressText(job, io.now().getTime()))
    if (all.length > mostLines) lines.push(`… and ${all.length - mostLines} more`)
    const width = (stderr.width() ?? 80) - 1
    if (lines.length > 0) stderr.say(lines.map((line) => stderr.colors.cyan(shorten(line, width))).join('\n'))
    painted = lines.length
    paintedAt = io.now().getTime()
  }
  const json = (level: LogLevel, message: string, fields: JsonObject): void =>
    stderr.say(jsonText({ time: io.now(), level, run: options.run, message, ...fields }, null))

  return {
    progress({ verb, ref, job, progress }) {
      const now = io.now().getTime()
      const known = jobs.get(ref)
      const running =
        known?.job === job ? known : { verb, ref, job, since: now, from: progress.done ?? 0, progress, saidAt: now }
      running.progress = progress
      jobs.set(ref, running)
      if (options.quiet) return
      if (paints) {
        if (now - paintedAt >= paintEveryMs || known === undefined) paint()
      } else if (now - running.saidAt >= plainEveryMs) {
        running.saidAt = now
        if (options.logFormat === 'json') json('info', 'progress', { verb, ref, job, ...progress })
        else stderr.say(progressText(running, now))
      }
    },
    finished(ref) {
      if (jobs.delete(ref) && paints) paint()
    },
    log(level, message, fields = {}) {
      if (level === 'debug' ? !options.verbose : level === 'info' && options.quiet) return
      if (options.logFormat === 'json') return json(level, message, fields)
      clear()
      const text = cleanLines(message)
      stderr.say(level === 'warn' ? `${stderr.colors.yellow('warning:')} ${text}` : stderr.colors.dim(text))
      if (paints && jobs.size > 0) paint()
    },
    running: () => [...jobs.values()].map(({ verb, ref }) => `${spokenVerb(verb)} ${clean(ref)}`),
    clear,
  }
}

/** `optimize lake:acme/metrics  120/300 files  40%  4.1/s  44s left`; what is not known is left out. */
function progressText(job: Running, now: number): string {
  const { done, total, unit } = job.progress
  const parts = [`${spokenVerb(job.verb)} ${clean(job.ref)}`]
  const size = (count: number): string => (unit === 'bytes' ? formatBytes(count) : String(count))
  const noun = unit === 'bytes' ? '' : ` ${clean(unit)}`
  if (done !== null) parts.push(total === null ? `${size(done)}${noun}` : `${size(done)}/${size(total)}${noun}`)
  if (done !== null && total !== null && total > 0) parts.push(`${Math.floor((100 * done) / total)}%`)
  const seconds = (now - job.since) / 1000
  const rate = done !== null && seconds >= 1 ? (done - job.from) / seconds : 0
  if (rate > 0) parts.push(`${unit === 'bytes' ? formatBytes(Math.round(rate)) : Number(rate.toPrecision(2))}/s`)
  if (rate > 0 && done !== null && total !== null && total > done)
    parts.push(`${formatDuration(Math.ceil((total - done) / rate) * 1000)} left`)
  return parts.join('  ')
}
