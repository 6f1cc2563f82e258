/** `tblctl config …`: what counts, where it comes from, and whether its commands may run. */
import type { CommandModule } from '../command.ts'
import { trust } from './config/trust.ts'
import { view } from './config/view.ts'

export const command: CommandModule = {
  name: 'config',
  summary: 'Look at the config: view, trust',
  examples: [
    { command: 'tblctl config view --show-origin', does: 'every setting, and which file, variable or flag it is from' },
    { command: 'tblctl config trust', does: 'allow the commands of its cmd: secrets' },
  ],
  children: [view, trust],
}
