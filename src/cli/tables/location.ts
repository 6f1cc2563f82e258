/** `--location` of register and create. */
import type { OptionSpec } from '../command.ts'

export const locationOption: OptionSpec = {
  flags: '--location <place>',
  description:
    'where the table lies, when it does not lie below its backend: a path, a URL, or a name such as database.table',
  completes: 'file',
}
