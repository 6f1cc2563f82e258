/** `tblctl worker`: runs what is due, one job after the other. */
import type { Tblctl } from '../../api/open.ts'
import type { WorkedItem } from '../../api/worker.ts'
import { fail, Stopped } from '../../core/errors.ts'
import { parseDuration } from '../../core/units.ts'
import type { CommandContext, CommandModule } from '../command.ts'
import { cellText } from '../output/columns.ts'
import { mixedReportColumns as columns } from '../output/report.ts'
import { clean } from '../output/text.ts'

interface Options {
  readonly once?: boolean
  readonly poll?: number
}

export const command: CommandModule<object, Options> = {
  name: 'worker',
  summary: 'Run jobs that are due: queued ones, and waiting ones whose time has come',
  description:
    'Prints an item for each job. Several workers share the work. The first SIGINT or SIGTERM lets the job stop at its next safe point, and whoever resumes it goes on from there.',
  examples: [
    { command: 'tblctl worker', does: 'until it is stopped' },
    { command: 'tblctl worker --once', does: 'what is due now; for cron' },
    { command: 'tblctl worker -o ndjson', does: 'a JSON object for each job' },
  ],
  options: [
    { flags: '--once', description: 'end when nothing is due' },
    { flags: '--poll <interval>', description: 'look for work this often (1s)', parse: parseDuration },
  ],
  takes: ['config', 'output', 'approval', 'timeout', 'lock-timeout', 'parallelism'],
  async run(context: CommandContext<Tblctl>, _args, { once = false, poll = 1000 }) {
    const { global, io, stop } = context
    const streams = ['table', 'wide', 'ndjson', 'name'].includes(global.output)
    if (!once && !streams)
      throw fail('usage', 'format-not-supported', `a worker has no end, and -o ${global.output} needs one`, {
        hint: 'use -o ndjson, or --once',
      })
    const items: WorkedItem[] = []
    for await (const item of (await context.api()).work({ once, pollMs: poll })) {
      if (once) items.push(item)
      else if (global.output === 'ndjson' || global.output === 'name')
        await context.print({ is: 'list', kind: 'OperationReport', columns, items: [item], name: ({ ref }) => ref })
      else await io.stdout.write(`${lineOf(item)}\n`)
    }
    // What was done is told, and then why there is no more of it.
    const code = once ? await context.report({ verb: 'worker', dryRun: false, run: context.run, items }) : 0
    if (stop.why !== null) throw new Stopped(stop.why)
    return code
  },
}

function lineOf(item: WorkedItem): string {
  const detail = columns.find(({ name }) => name === 'detail')!
  return `${item.verb} ${clean(item.ref)}  ${item.status}  ${cellText(detail, item, false)}`
}
