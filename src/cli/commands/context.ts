/** `tblctl context …`: the contexts of the config, and which one counts. */
import type { CommandModule } from '../command.ts'
import { list } from './context/list.ts'
import { clear, use } from './context/use.ts'

export const command: CommandModule = {
  name: 'context',
  summary: 'Choose a context of the config: list, use, clear',
  examples: [
    { command: 'tblctl context list', does: 'all of them, the current one marked' },
    { command: 'tblctl context use prod', does: 'from now on, in this project' },
  ],
  children: [list, use, clear],
}
