/**
 * `--metrics-file`: gauges of the last run of each verb in Prometheus' text format, for node_exporter's textfile collector.
 * What other verbs wrote stays, and so does the last success of a verb that fails now: an alert on its age keeps working.
 */
import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { durable } from '../../core/durable.ts'
import { outputTarget } from '../../core/files.ts'
import type { Summary } from './report.ts'

export interface RunFacts {
  readonly verb: string
  readonly startedAt: Date
  readonly endedAt: Date
  readonly exitCode: number
  /** Null for a verb that works on no subjects. */
  readonly items: Summary | null
}

const help = {
  tblctl_last_run_timestamp_seconds: 'When the last run ended.',
  tblctl_last_success_timestamp_seconds: 'When the last run that exited with 0 ended.',
  tblctl_last_run_duration_seconds: 'How long the last run took.',
  tblctl_last_run_exit_code: 'Exit code of the last run.',
  tblctl_last_run_items: 'Subjects of the last run by status.',
} as const
type Metric = keyof typeof help
interface Sample {
  readonly metric: Metric
  readonly labels: string
  /** Escaped, as it stands in the labels. */
  readonly verb: string
  readonly value: string
}

/** Writes beside the file, then moves into place: a scraper never sees a half. Throws what the file system says. */
export async function writeMetricsFile(file: string, facts: RunFacts): Promise<void> {
  const path = outputTarget(file)
  const before = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  durable('metrics:before')
  try {
    const handle = await open(temporary, 'wx', 0o644)
    try {
      await handle.writeFile(metricsText(before, facts))
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  durable('metrics:after')
}

export function metricsText(before: string, facts: RunFacts): string {
  const kept = parse(before).filter(
    (sample) =>
      sample.verb !== escapeLabel(facts.verb) ||
      (sample.metric === 'tblctl_last_success_timestamp_seconds' && facts.exitCode !== 0),
  )
  const samples = [...kept, ...samplesOf(facts)]
  return Object.entries(help)
    .flatMap(([metric, text]) => {
      const lines = samples.filter((sample) => sample.metric === metric).sort((a, b) => (a.labels < b.labels ? -1 : 1))
      if (lines.length === 0) return []
      return [
        `# HELP ${metric} ${text}`,
        `# TYPE ${metric} gauge`,
        ...lines.map(({ labels, value }) => `${metric}{${labels}} ${value}`),
      ]
    })
    .map((line) => `${line}\n`)
    .join('')
}

function samplesOf({ verb, startedAt, endedAt, exitCode, items }: RunFacts): Sample[] {
  const label = `verb="${escapeLabel(verb)}"`
  const sample = (metric: Metric, value: number, more = ''): Sample => ({
    metric,
    labels: label + more,
    verb: escapeLabel(verb),
    value: String(value),
  })
  const ended = endedAt.getTime() / 1000
  return [
    sample('tblctl_last_run_timestamp_seconds', ended),
    ...(exitCode === 0 ? [sample('tblctl_last_success_timestamp_seconds', ended)] : []),
    sample('tblctl_last_run_duration_seconds', (endedAt.getTime() - startedAt.getTime()) / 1000),
    sample('tblctl_last_run_exit_code', exitCode),
    ...Object.entries(items ?? {}).map(([status, count]) =>
      sample('tblctl_last_run_items', count, `,status="${escapeLabel(status)}"`),
    ),
  ]
}

/** Only lines that this file wrote; comments are written anew, and what is not ours does not survive. */
function parse(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(tblctl_\w+)\{(verb="((?:[^"\\]|\\.)*)"(?:,status="\w+")?)\} (-?[0-9.e+-]+)$/.exec(line)
    if (match === null || !Object.hasOwn(help, match[1]!)) return []
    return [{ metric: match[1] as Metric, labels: match[2]!, verb: match[3]!, value: match[4]! }]
  })
}

/** Prometheus exposition format: backslash, double quote and line feed. */
const escapeLabel = (text: string): string =>
  text.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))
