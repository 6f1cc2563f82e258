/** Which shared flags a command obeys. */
import type { CommandModule } from '../command.ts'
import { type SharedFlag, sharedFlags } from './shared.ts'

export function flagsOf(command: CommandModule): readonly SharedFlag[] {
  return sharedFlags.filter(
    ({ trait }) =>
      trait === 'always' ||
      (trait === 'columns' ? command.columns !== undefined : (command.takes ?? []).includes(trait)),
  )
}
