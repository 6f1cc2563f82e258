/** `tblctl jobs wait ID`: returns when the job has come to an end, with its end as the exit code. */
import type { Tblctl } from '../../../api/open.ts'
import type { CommandContext, CommandModule } from '../../command.ts'
import { idArgument } from './show.ts'
import { exitCodeOf, jobView } from './view.ts'

export const wait: CommandModule<{ id: string }> = {
  name: 'wait',
  summary: 'Wait for the end of a job',
  description:
    'Exits with 0 when the job is done or waits for an order, with the code of its error when it failed, and with 1 when it was cancelled or nobody runs it any more.',
  examples: [
    { command: 'tblctl jobs wait 3f9c21a07b44', does: 'as long as it takes' },
    { command: 'tblctl jobs wait 3f9c --timeout 10m', does: 'exit code 124 when that is too short; the job goes on' },
  ],
  arguments: [idArgument],
  takes: ['config', 'output', 'timeout'],
  prints: 'object',
  async run({ api, print, io, global }: CommandContext<Tblctl>, { id }) {
    const { jobs } = await api()
    const job = await jobs.wait(await jobs.id(id))
    await print(jobView(job))
    if (job.state === 'interrupted' && !global.quiet)
      io.stderr.say(`nobody runs this job any more\n  try: tblctl jobs resume ${job.id}`)
    return exitCodeOf(job)
  },
}
