/** `tblctl jobs show ID`: one job with its plan, its result or its error. */
import type { Tblctl } from '../../../api/open.ts'
import type { CommandContext, CommandModule } from '../../command.ts'
import { jobView } from './view.ts'

export const idArgument = { name: '<id>', description: 'id of the job, or its beginning when no other job has it' }

export const show: CommandModule<{ id: string }> = {
  name: 'show',
  summary: 'Show a job with its plan, progress, result and error',
  examples: [
    { command: 'tblctl jobs show 3f9c21a07b44', does: 'for people; 3f9c is enough when no other job begins so' },
    { command: 'tblctl jobs show 3f9c --watch', does: 'again and again' },
    { command: 'tblctl jobs show 3f9c -o json', does: 'for scripts: .state, .progress, .result, .error' },
  ],
  arguments: [idArgument],
  takes: ['config', 'output', 'timeout', 'watch'],
  prints: 'object',
  async run({ api, print }: CommandContext<Tblctl>, { id }) {
    const { jobs } = await api()
    await print(jobView(await jobs.show(await jobs.id(id))))
  },
}
