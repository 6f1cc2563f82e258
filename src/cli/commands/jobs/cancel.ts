/** `tblctl jobs cancel ID`: takes back what the job did, as far as its phase allows. */
import type { Tblctl } from '../../../api/open.ts'
import { fail } from '../../../core/errors.ts'
import type { CommandContext, CommandModule } from '../../command.ts'
import { idArgument } from './show.ts'
import { jobView } from './view.ts'

export const cancel: CommandModule<{ id: string }> = {
  name: 'cancel',
  summary: 'Cancel a job, and take back what it did',
  description:
    'A job that runs is told so and stops at its next safe point; one that nobody runs is taken over and undone here.',
  examples: [{ command: 'tblctl jobs cancel 3f9c21a07b44', does: 'waits until it is cancelled' }],
  arguments: [idArgument],
  takes: ['config', 'output', 'approval', 'timeout'],
  prints: 'object',
  async run({ api, print }: CommandContext<Tblctl>, { id }) {
    const { jobs } = await api()
    const { job } = await jobs.cancel(await jobs.id(id))
    await print(jobView(job))
    if (job.state !== 'cancelled')
      throw fail('refused', 'not-cancelled', `job ${job.id} is ${job.state}, not cancelled`, {
        hint: `tblctl jobs logs ${job.id}`,
      })
  },
}
