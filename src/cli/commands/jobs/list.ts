/** `tblctl jobs list`: jobs, newest first. */
import { type JobView, shownStates } from '../../../api/jobs.ts'
import type { Tblctl } from '../../../api/open.ts'
import type { CommandContext, CommandModule } from '../../command.ts'
import { choice, positiveInteger } from '../../flags/values.ts'
import { jobColumns } from './view.ts'

interface Options {
  readonly state?: readonly JobView['state'][]
  readonly verb?: string
  readonly limit?: number
}

const usualLimit = 100

export const list: CommandModule<{ ref?: string }, Options> = {
  name: 'list',
  summary: 'List jobs, newest first',
  examples: [
    { command: 'tblctl jobs list', does: `the newest ${usualLimit}` },
    { command: 'tblctl jobs list lake:acme/metrics --verb optimize', does: 'of one table' },
    { command: 'tblctl jobs list --state running --state waiting --watch', does: 'what goes on, again and again' },
  ],
  arguments: [
    { name: '[ref]', description: 'only jobs on this table, or on this project (acme/)', completes: 'table' },
  ],
  options: [
    {
      flags: '--state <state>',
      description: 'only jobs in this state; may stand several times',
      choices: shownStates,
      parse: choice('state of a job', shownStates),
      repeat: true,
    },
    { flags: '--verb <verb>', description: 'only jobs of this verb' },
    { flags: '--limit <n>', description: `at most this many (${usualLimit})`, parse: positiveInteger(1_000_000) },
  ],
  takes: ['config', 'output', 'timeout', 'watch'],
  columns: jobColumns(new Date(0)),
  async run({ api, print, io, global }: CommandContext<Tblctl>, { ref }, { state, verb, limit = usualLimit }) {
    const { jobs } = await api()
    // One more than is shown tells whether there are more.
    const found = await jobs.list({
      limit: limit + 1,
      ...(ref === undefined ? {} : { ref }),
      ...(state === undefined ? {} : { states: state }),
      ...(verb === undefined ? {} : { verb }),
    })
    const items = found.slice(0, limit)
    await print({ is: 'list', kind: 'JobList', columns: jobColumns(io.now()), items, none: 'no jobs' })
    if (found.length > limit && !global.quiet)
      io.stderr.say(`only the newest ${limit} jobs; there are more (--limit ${limit * 10})`)
  },
}
