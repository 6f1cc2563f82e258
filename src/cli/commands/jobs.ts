/** `tblctl jobs …`: what is known of work, and how to order it about. */
import type { CommandModule } from '../command.ts'
import { cancel } from './jobs/cancel.ts'
import { list } from './jobs/list.ts'
import { logs } from './jobs/logs.ts'
import { prune } from './jobs/prune.ts'
import { resume } from './jobs/resume.ts'
import { show } from './jobs/show.ts'
import { wait } from './jobs/wait.ts'

export const command: CommandModule = {
  name: 'jobs',
  summary: 'Look at jobs: list, show, logs, wait, resume, cancel, prune',
  examples: [
    { command: 'tblctl jobs list --state interrupted', does: 'what was killed and can be resumed' },
    { command: 'tblctl jobs resume 3f9c21a07b44', does: 'go on with one of them' },
  ],
  children: [list, show, logs, wait, resume, cancel, prune],
}
