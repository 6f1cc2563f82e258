/** `tblctl completion SHELL`: the script that a shell sources. */
import type { CommandContext, CommandModule } from '../command.ts'
import { completionScript, type Shell, shells } from '../completion/script.ts'

export const command: CommandModule<{ shell: Shell }> = {
  name: 'completion',
  summary: 'Print a completion script for bash, zsh or fish',
  description:
    'Commands and flags complete by themselves; tables, backends and schemas come from the local config and catalog, never from a backend.',
  examples: [
    { command: 'source <(tblctl completion bash)', does: 'in this shell; put the line into ~/.bashrc to keep it' },
    { command: 'tblctl completion zsh > ~/.zfunc/_tblctl', does: 'zsh, for good, where ~/.zfunc is in $fpath' },
    { command: 'tblctl completion fish > ~/.config/fish/completions/tblctl.fish', does: 'fish, for good' },
  ],
  arguments: [{ name: '<shell>', description: 'bash, zsh or fish', choices: shells }],
  async run({ io }: CommandContext, { shell }) {
    await io.stdout.write(await completionScript(shell))
  },
}
