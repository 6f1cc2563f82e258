/** `tblctl context use NAME` and `clear`: which context counts when no flag and no variable names one. */
import { useContext } from '../../../api/config.ts'
import type { CommandContext, CommandModule } from '../../command.ts'
import { clean } from '../../output/text.ts'
import { configRequest } from './request.ts'

export const use: CommandModule<{ name: string }> = {
  name: 'use',
  summary: 'Make a context count until another one is chosen',
  description: 'It is kept beside the config, in .tblctl/context. --context and TBLCTL_CONTEXT come before it.',
  examples: [{ command: 'tblctl context use prod', does: 'every later command in this project works on prod' }],
  arguments: [{ name: '<name>', description: 'a context of the config', completes: 'context' }],
  takes: ['config', 'output', 'approval'],
  prints: 'object',
  run: (context: CommandContext, { name }) => choose(context, name),
}

export const clear: CommandModule = {
  name: 'clear',
  summary: 'Let no context count any more',
  examples: [{ command: 'tblctl context clear', does: 'back to the config without an overlay' }],
  takes: ['config', 'output', 'approval'],
  prints: 'object',
  run: (context: CommandContext) => choose(context, null),
}

async function choose(context: CommandContext, name: string | null): Promise<void> {
  const { file } = await useContext(configRequest(context), name)
  await context.print({
    is: 'object',
    kind: 'Context',
    object: { context: name, file },
    name: name ?? '',
    sections: [
      {
        lines: [
          { label: 'context', value: name },
          { label: 'config', value: file },
        ],
      },
    ],
  })
  const variable = context.env.TBLCTL_CONTEXT
  if (variable !== undefined && variable !== '')
    context.reporter.log('warn', `TBLCTL_CONTEXT is set to ${clean(variable)}, and comes before what is chosen here`)
}
