/** `node scripts/cli-docs.ts`: writes docs/cli.md from the same data as the help. A test keeps the page true. */
import { writeFile } from 'node:fs/promises'
import type { CommandModule, OptionSpec } from '../src/cli/command.ts'
import { flagsOf } from '../src/cli/flags/of.ts'
import { sharedFlags } from '../src/cli/flags/shared.ts'
import { topics } from '../src/cli/help/topics.ts'
import { groups, type Verb, verbs } from '../src/cli/verbs.ts'

export async function cliDocs(table: readonly Verb[]): Promise<string> {
  const parts = ['# The command line', '<!-- written by scripts/cli-docs.ts; change the commands, not this page -->']
  const global = sharedFlags.filter((flag) => flag.trait === 'always')
  parts.push('Flags of every command, before or after it:', flagTable(global))
  for (const group of groups) {
    const visible = table.filter((verb) => verb.group === group && verb.hidden !== true)
    if (visible.length > 0) parts.push(`## ${group.slice(0, 1).toUpperCase()}${group.slice(1)}`)
    for (const verb of visible)
      parts.push(...commandParts((await verb.load()).command, [verb.name], verb.aliases ?? []))
  }
  parts.push('## Topics')
  for (const topic of topics) parts.push(`### tblctl help ${topic.name}`, `\`\`\`text\n${topic.text()}\`\`\``)
  return `${parts.join('\n\n')}\n`
}

function commandParts(command: CommandModule, words: readonly string[], aliases: readonly string[]): string[] {
  const name = `tblctl ${words.join(' ')}`
  const parts = [`### ${name}`, `${command.summary}.`]
  if (aliases.length > 0) parts.push(`Also \`${aliases.join('`, `')}\`.`)
  if (command.description !== undefined) parts.push(command.description)
  if (command.run !== undefined) {
    const given = (command.arguments ?? []).map((argument) => ` ${argument.name}`).join('')
    const examples = command.examples.map((example) => `${example.command}   # ${example.does}`)
    parts.push(`\`\`\`sh\n${[...examples, '', `${name}${given} [flags]`].join('\n').trim()}\n\`\`\``)
    for (const argument of command.arguments ?? []) parts.push(`- \`${argument.name}\` ${argument.description}`)
    const flags = [...(command.options ?? []), ...flagsOf(command).filter((flag) => flag.trait !== 'always')]
    if (flags.length > 0) parts.push(flagTable(flags))
  }
  return [...parts, ...(command.children ?? []).flatMap((child) => commandParts(child, [...words, child.name], []))]
}

function flagTable(flags: readonly OptionSpec[]): string {
  const rows = flags.map((flag) => {
    const choices = flag.choices === undefined ? '' : `: ${flag.choices.join(', ')}`
    return `| \`${flag.flags.replaceAll('|', '\\|')}\` | ${cell(flag.description + choices)} |`
  })
  return ['| flag | |', '|---|---|', ...rows].join('\n')
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')

if (import.meta.main) await writeFile(new URL('../docs/cli.md', import.meta.url), await cliDocs(verbs))
