/** Which config and which context a command was asked for. */
import type { ConfigRequest } from '../../../api/config.ts'
import type { CommandContext } from '../../command.ts'

/** A value that a variable gave is left to the variable, so that its origin is told right. */
export function configRequest({ global, env, io }: CommandContext): ConfigRequest {
  return {
    config: global.config === env.TBLCTL_CONFIG ? null : global.config,
    context: global.context === env.TBLCTL_CONTEXT ? null : global.context,
    env,
    directory: io.directory,
  }
}
