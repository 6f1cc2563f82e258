/** `tblctl complete -- WORDS`: what the completion scripts call on every TAB. One candidate a line, then `:` and a directive. */
import type { CommandContext, CommandModule } from '../command.ts'
import { complete } from '../completion/candidates.ts'

export const command: CommandModule<{ words: readonly string[] }> = {
  name: 'complete',
  summary: 'Answer a completion script',
  examples: [{ command: 'tblctl complete -- ver', does: 'words that may follow; the last one is being typed' }],
  arguments: [{ name: '[words...]', description: 'the words after tblctl, behind --' }],
  async run({ io, env, services, verbs }: CommandContext, { words }) {
    const answer = await complete(words, verbs, async (what, config) => {
      if (services === undefined) return []
      // A broken config must not print into the line that is being typed.
      return services.names(what, { config, env, directory: io.directory }).catch(() => [])
    })
    await io.stdout.write(answer)
  },
}
