/** `tblctl config trust`: the commands of a config run only when its user has read and accepted them. */
import type { Tblctl } from '../../../api/open.ts'
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { CommandContext, CommandModule } from '../../command.ts'

export const trust: CommandModule = {
  name: 'trust',
  summary: 'Allow the commands of the cmd: secrets in this config',
  description:
    'Shows every command and asks. What is accepted is the file with the content that it has now: after any change it has to be accepted again.',
  examples: [
    { command: 'tblctl config trust --dry-run', does: 'the commands, and nothing else' },
    { command: 'tblctl config trust', does: 'shows the commands, and asks' },
  ],
  takes: ['config', 'output', 'approval', 'dry-run'],
  prints: 'object',
  async run(context: CommandContext<Tblctl>) {
    const { io, global } = context
    const { file, commands, trusted: before, accept } = await (await context.api()).trust()
    const asks = commands.length > 0 && !before && !global.dryRun
    if (asks) {
      const subject = { kind: 'backend' as const, path: printable(file), spec: null }
      const summary = commands.map(({ place, command }) => `${place}: ${command}`)
      const plan = { changes: 1, risk: 'moderate' as const, summary, basis: {}, leases: [] }
      if (!(await context.approver.approve([{ verb: 'config trust', subject, plan }])))
        throw fail('refused', 'declined', 'not accepted; its commands do not run')
      await accept()
    }
    if (commands.length === 0 && !global.quiet)
      io.stderr.say('the config has no cmd: secret: there is nothing to accept')
    const trusted = before || asks
    await context.print({
      is: 'object',
      kind: 'ConfigTrust',
      object: { file, trusted, commands },
      name: file,
      sections: [
        {
          lines: [
            { label: 'file', value: file },
            { label: 'trusted', value: trusted, text: trusted ? 'yes' : 'no' },
            ...commands.map(({ place, command }) => ({ label: place, value: command })),
          ],
        },
      ],
    })
  },
}
