/** One verb that changes tables, from the api to what is said: the report on stdout; failures in full and the sum on stderr. */
import type { Tblctl } from '../../api/open.ts'
import type { OperationReport } from '../../api/operate.ts'
import type { ErrorView } from '../../core/errors.ts'
import type { ReportItem } from '../../core/host.ts'
import { formatDuration } from '../../core/units.ts'
import { reportExitCode, summarize } from '../output/report.ts'
import { clean, cleanLines, spokenVerb } from '../output/text.ts'
import { readableResult } from './changes.ts'
import type { TableContext } from './traits.ts'

/** Failures beyond these are in the report only. */
const mostFailures = 20

/** Returns the exit code that the report means. */
export async function runOperation(
  context: TableContext,
  work: (api: Tblctl) => Promise<OperationReport>,
): Promise<number> {
  const { io } = context
  const startedAt = io.now().getTime()
  const report = await work(await context.api())
  return printReport(context, report, io.now().getTime() - startedAt)
}

/** `durationMs`: of the whole run. */
export async function printReport(context: TableContext, report: OperationReport, durationMs: number): Promise<number> {
  const { io, global } = context
  if (global.output !== 'table' && global.output !== 'wide') return context.report(report)
  if (report.dryRun && global.columns === null) {
    await io.stdout.write(planText(report))
    sayFailures(context, report.items)
    if (!global.quiet) io.stderr.say('this was a dry run: nothing was changed')
    return reportExitCode(report.items)
  }
  const code = await context.report({ ...report, items: report.items.map(readable) })
  sayFailures(context, report.items)
  if (!global.quiet && report.items.length > 0) io.stderr.say(sumText(report, durationMs))
  return code
}

/** A failure has its message in the report; place and hint stand below, where nothing is shortened. */
function readable(item: ReportItem): ReportItem {
  const { error, result, ...rest } = item
  return {
    ...rest,
    ...(result === undefined ? {} : { result: readableResult(result) }),
    ...(error === undefined
      ? {}
      : { error: { code: error.code, kind: error.kind, message: error.message, retry: error.retry } }),
  }
}

function planText({ verb: name, items }: OperationReport): string {
  const verb = spokenVerb(name)
  const lines = items.flatMap((item) => {
    const ref = clean(item.ref)
    if (item.error !== undefined) return [`cannot ${verb} ${ref}`, `  ${clean(item.error.message)}`]
    if (item.status === 'unchanged') return [`nothing to do: ${verb} ${ref}`]
    if (item.status === 'skipped' && item.plan === undefined) return [`passed over: ${ref} (${detailOf(item)})`]
    const goesOn = item.job === undefined ? '' : ` (goes on with job ${item.job})`
    const summary = (item.plan?.summary ?? []).map((line) => cleanLines(line).replace(/^/gm, '  '))
    return [`would ${verb} ${ref}${goesOn}`, ...summary]
  })
  return lines.map((line) => `${line}\n`).join('')
}

/** Why it is passed over: `paused`. */
const detailOf = ({ result }: ReportItem): string => clean(String(result?.answer ?? 'skipped'))

function sayFailures({ io, run }: TableContext, items: readonly ReportItem[]): void {
  const failed = items.filter((item) => item.error !== undefined)
  for (const { ref, error, job } of failed.slice(0, mostFailures))
    io.stderr.say(failureLines(clean(ref), error!, io.stderr.colors.red('error:'), job ?? run).join('\n'))
  if (failed.length > mostFailures) io.stderr.say(`… and ${failed.length - mostFailures} more failures in the report`)
}

function failureLines(ref: string, error: ErrorView, mark: string, id: string): string[] {
  const [first = '', ...more] = cleanLines(error.message).split('\n')
  const lines = [`${mark} ${first.includes(ref) ? first : `${ref}: ${first}`}`, ...more.map((line) => `  ${line}`)]
  if (error.where !== undefined) lines.push(`  at ${clean(error.where)}`)
  for (const hint of cleanLines(error.hint ?? '').split('\n'))
    if (hint !== '') lines.push(`  ${hint.startsWith('tblctl ') ? 'try: ' : ''}${hint}`)
  if (error.kind === 'bug') lines.push(`  this is a bug in tblctl; please report it (${id})`)
  else if (error.retry === 'resume') lines.push('  the same command goes on where it stopped')
  return lines
}

/** `2 changed, 1 failed in 2.3s` */
function sumText({ items }: OperationReport, durationMs: number): string {
  const counts = Object.entries(summarize(items)).filter(([, count]) => count > 0)
  return `${counts.map(([status, count]) => `${count} ${status}`).join(', ')} in ${formatDuration(durationMs)}`
}
