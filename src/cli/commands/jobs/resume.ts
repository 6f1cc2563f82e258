/** `tblctl jobs resume ID`: goes on with a job that nobody runs, with its own plan and approval. */
import type { Tblctl } from '../../../api/open.ts'
import type { CommandContext, CommandModule } from '../../command.ts'
import { reportColumns } from '../../output/report.ts'
import { idArgument } from './show.ts'

export const resume: CommandModule<{ id: string }> = {
  name: 'resume',
  summary: 'Go on with a job that was interrupted',
  examples: [{ command: 'tblctl jobs resume 3f9c21a07b44', does: 'with the plan and the approval that it had' }],
  arguments: [idArgument],
  takes: ['config', 'output', 'approval', 'timeout', 'lock-timeout'],
  columns: reportColumns,
  async run({ api, report }: CommandContext<Tblctl>, { id }) {
    const { jobs } = await api()
    return report(await jobs.resume(await jobs.id(id)))
  },
}
