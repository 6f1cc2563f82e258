/** `tblctl help`, `tblctl help TOPIC`, `tblctl help COMMAND`. */
import type { CommandContext, CommandModule } from '../command.ts'
import { commandHelp, rootHelp } from '../help/command-help.ts'
import { topics } from '../help/topics.ts'
import { resolve } from '../resolve.ts'

export const command: CommandModule<{ words: readonly string[] }> = {
  name: 'help',
  summary: 'Explain a command or a topic',
  examples: [
    { command: 'tblctl help', does: 'all commands' },
    { command: 'tblctl help version', does: 'one command, as tblctl version --help' },
    { command: 'tblctl help exit-codes', does: 'a topic' },
  ],
  arguments: [
    {
      name: '[words...]',
      description: `a command, or a topic: ${topics.map(({ name }) => name).join(', ')}`,
      completes: 'command',
    },
  ],
  async run({ io, verbs }: CommandContext, { words }) {
    const topic = topics.find(({ name }) => words.length === 1 && name === words[0])
    if (topic !== undefined) return io.stdout.write(topic.text())
    const resolved = await resolve([...words, '--help'], verbs)
    await io.stdout.write(
      resolved === undefined
        ? rootHelp(verbs, io.stdout)
        : commandHelp(resolved.command, resolved.words, resolved.verb, io.stdout),
    )
  },
}
