/** `--as USER`: whose rows a command is about, where rows belong to users. An id is any text; it is never parsed. */
import type { OptionSpec } from '../command.ts'

export const asOption: OptionSpec = {
  flags: '--as <user>',
  description: 'whose rows, where rows belong to users; any text',
}
