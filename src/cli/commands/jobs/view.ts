/** A job as people see it: one line of a list, or all of it. */
import type { JobView } from '../../../api/jobs.ts'
import { exitCodes } from '../../../core/errors.ts'
import type { JsonObject } from '../../../core/json.ts'
import type { Progress } from '../../../core/operation.ts'
import { formatBytes, formatDuration } from '../../../core/units.ts'
import type { Column, Line, ObjectView, Paint } from '../../output/view.ts'

const paints: Readonly<Record<JobView['state'], Paint | undefined>> = {
  queued: undefined,
  running: (text, colors) => colors.cyan(text),
  waiting: (text, colors) => colors.yellow(text),
  interrupted: (text, colors) => colors.yellow(text),
  done: (text, colors) => colors.green(text),
  failed: (text, colors) => colors.red(text),
  cancelled: (text, colors) => colors.dim(text),
}

/** `age` counts up to `now`, in milliseconds for machines. */
export const jobColumns = (now: Date): readonly Column<JobView>[] => [
  { name: 'id', value: (job) => job.id },
  { name: 'verb', value: (job) => job.verb },
  { name: 'ref', value: (job) => job.ref },
  { name: 'state', value: (job) => job.state, paint: (state: JobView['state']) => paints[state] },
  { name: 'phase', value: (job) => job.phase },
  { name: 'progress', value: (job) => (job.progress === null ? null : progressText(job.progress)) },
  {
    name: 'age',
    align: 'right',
    value: (job) => now.getTime() - Date.parse(job.createdAt),
    format: (age: number) => formatDuration(Math.max(0, age)),
  },
  { name: 'attempts', wide: true, align: 'right', value: (job) => job.attempts },
  { name: 'owner', wide: true, value: (job) => job.owner },
  { name: 'actor', wide: true, value: (job) => job.actor },
  { name: 'run', wide: true, value: (job) => job.run },
  { name: 'created', wide: true, value: (job) => job.createdAt },
  { name: 'finished', wide: true, value: (job) => job.finishedAt },
]

/** `120/300 files (40%)`; a total that is not known is left out. */
function progressText({ done, total, unit }: Progress): string | null {
  if (done === null) return null
  const size = (count: number): string => (unit === 'bytes' ? formatBytes(count) : String(count))
  const share = total !== null && total > 0 ? ` (${Math.floor((100 * done) / total)}%)` : ''
  return `${size(done)}${total === null ? '' : `/${size(total)}`}${unit === 'bytes' ? '' : ` ${unit}`}${share}`
}

export function jobView(job: JobView): ObjectView {
  const waits = [...job.waitsFor, ...(job.wakeAt === null ? [] : [job.wakeAt])]
  const plan = job.plan as { risk?: string; summary?: readonly string[] }
  return {
    is: 'object',
    kind: 'Job',
    object: job,
    name: job.id,
    sections: [
      {
        lines: [
          { label: 'id', value: job.id },
          { label: 'verb', value: job.verb },
          { label: 'ref', value: job.ref },
          { label: 'state', value: job.state },
          { label: 'phase', value: job.phase },
          { label: 'progress', value: job.progress === null ? null : progressText(job.progress) },
          ...(waits.length === 0 ? [] : [{ label: 'waits for', value: waits.join(' or ') }]),
          { label: 'key', value: job.key },
          { label: 'attempts', value: job.attempts },
          { label: 'owner', value: job.owner },
          { label: 'actor', value: job.actor },
          { label: 'run', value: job.run },
          { label: 'created', value: job.createdAt },
          { label: 'finished', value: job.finishedAt },
        ],
      },
      {
        title: 'Plan',
        lines: [
          { label: 'risk', value: plan.risk },
          ...(plan.summary ?? []).map((text, at) => ({ label: at === 0 ? 'what' : '', value: text })),
        ],
      },
      ...(job.result === null ? [] : [{ title: 'Result', lines: factLines(job.result) }]),
      ...(job.error === null ? [] : [{ title: 'Error', lines: factLines({ ...job.error }) }]),
    ],
  }
}

const factLines = (facts: JsonObject): Line[] =>
  Object.entries(facts).map(([label, value]) => ({
    label,
    value,
    ...(typeof value === 'number' && /bytes/i.test(label) ? { text: formatBytes(value) } : {}),
  }))

/** What the end of a job means to a script: 0 when it is done or waits for an order, the code of its error, else 1. */
export function exitCodeOf(job: JobView): number {
  if (job.state === 'done' || job.state === 'waiting') return 0
  return job.error === null || job.state !== 'failed' ? exitCodes.failed : exitCodes[job.error.kind]
}
