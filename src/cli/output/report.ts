/** The report of an operation on one or many subjects: its view, its summary and the exit code that it means. */
import { type ErrorView, exitCodes } from '../../core/errors.ts'
import type { ReportItem } from '../../core/host.ts'
import type { JsonObject } from '../../core/json.ts'
import { formatBytes, formatDuration } from '../../core/units.ts'
import type { Column, ListView, Paint } from './view.ts'

export interface OperationReport {
  readonly verb: string
  readonly dryRun: boolean
  readonly run: string
  readonly items: readonly ReportItem[]
}
export type Summary = Record<ReportItem['status'], number>

export function summarize(items: readonly ReportItem[]): Summary {
  const summary: Summary = { changed: 0, unchanged: 0, failed: 0, skipped: 0 }
  for (const item of items) summary[item.status]++
  return summary
}

/** 0 when nothing went wrong, the one code of all errors, else 1: one failure never hides in many successes. */
export function reportExitCode(items: readonly ReportItem[]): number {
  const codes = new Set(
    items.flatMap((item) =>
      item.error !== undefined ? [exitCodes[item.error.kind]] : item.status === 'failed' ? [exitCodes.failed] : [],
    ),
  )
  if (codes.size === 0) return 0
  return codes.size === 1 ? [...codes][0]! : exitCodes.failed
}

const paints: Readonly<Record<ReportItem['status'], Paint>> = {
  changed: (text, colors) => colors.green(text),
  unchanged: (text, colors) => colors.dim(text),
  failed: (text, colors) => colors.red(text),
  skipped: (text, colors) => colors.yellow(text),
}

export const reportColumns: readonly Column<ReportItem>[] = [
  { name: 'ref', value: (item) => item.ref },
  { name: 'status', value: (item) => item.status, paint: (status: ReportItem['status']) => paints[status] },
  { name: 'job', wide: true, value: (item) => item.job ?? null },
  { name: 'detail', value: detail },
]

/** Where one report is about several verbs, each item names its own. */
export const mixedReportColumns: readonly Column<ReportItem & { readonly verb?: string }>[] = [
  { name: 'verb', value: (item) => item.verb ?? null },
  ...reportColumns,
]

export function reportView(report: OperationReport): ListView<ReportItem> {
  return {
    is: 'list',
    kind: 'OperationReport',
    columns: report.items.some((item) => 'verb' in item) ? mixedReportColumns : reportColumns,
    before: { verb: report.verb, dryRun: report.dryRun, run: report.run },
    items: report.items,
    after: { summary: summarize(report.items) },
    name: (item) => item.ref,
    none: 'nothing to do',
  }
}

/** What failed, what it waits for, what changed, or what would. */
function detail(item: ReportItem): string | null {
  if (item.error !== undefined) return errorText(item.error)
  const facts = item.result === undefined ? '' : resultText(item.result)
  if (item.waitsFor !== undefined || item.wakeAt !== undefined) {
    const until = [...(item.waitsFor ?? []), ...(item.wakeAt === undefined ? [] : [item.wakeAt])].join(' or ')
    return `waits for ${until}${facts === '' ? '' : `; ${facts}`}`
  }
  if (facts !== '') return facts
  return item.plan === undefined || item.plan.summary.length === 0 ? null : item.plan.summary.join('; ')
}

const errorText = (error: ErrorView): string =>
  `${error.where === undefined ? '' : `${error.where}: `}${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}`

/** What is only worth a word when it happened. */
const quietAtZero = new Set(['rejected', 'expired', 'binsLost', 'rowsSuperseded', 'duplicatesRemoved'])

/** `{answer: 'created', files: '50 → 1', bytesAfter: 9000000}` → `created, files 50 → 1, bytes after 9 MB`; what is nested is for `-o json`. */
function resultText(result: JsonObject): string {
  return Object.entries(result)
    .filter(
      ([key, value]) =>
        ['number', 'string', 'boolean'].includes(typeof value) && !(value === 0 && quietAtZero.has(key)),
    )
    .map(([key, value]) => {
      if (key === 'answer') return String(value)
      const words = key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
      return `${words.replace(/ seconds$/, '')} ${valueText(key, value)}`
    })
    .join(', ')
}

function valueText(key: string, value: unknown): string {
  if (typeof value === 'number' && /bytes/i.test(key)) return formatBytes(value)
  return typeof value === 'number' && /Seconds$/.test(key) ? formatDuration(value * 1000) : String(value)
}
