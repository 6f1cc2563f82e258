/** Help of the program and of one command, from their data: examples first, common flags before global ones. */
import type { CommandModule, OptionSpec } from '../command.ts'
import { flagsOf } from '../flags/of.ts'
import { sharedFlags } from '../flags/shared.ts'
import type { Output } from '../io.ts'
import { wrap } from '../output/text.ts'
import { groups, type Verb } from '../verbs.ts'
import { topics } from './topics.ts'

/** Title, and lines of a name and what it means. */
interface Block {
  readonly title: string
  readonly rows: readonly (readonly [name: string, text: string])[]
}

const rootExamples = [
  ['tblctl help refs', 'how tables are named'],
  ['tblctl help exit-codes', 'what a script can rely on'],
  ['source <(tblctl completion bash)', 'completion in this shell'],
] as const

export function rootHelp(table: readonly Verb[], output: Output): string {
  const visible = table.filter((verb) => verb.hidden !== true)
  const commands = groups.map((group) => ({
    title: capital(group),
    rows: visible
      .filter((verb) => verb.group === group)
      .map((verb) => [[verb.name, ...(verb.aliases ?? [])].join(', '), verb.summary] as const),
  }))
  return render(
    ['tblctl administers tables wherever they live.'],
    [
      { title: 'Examples', rows: rootExamples },
      { title: 'Usage', rows: [['tblctl COMMAND [arguments] [flags]', '']] },
      ...commands,
      { title: 'Topics', rows: topics.map(({ name, summary }) => [`help ${name}`, summary] as const) },
      {
        title: 'Global flags',
        rows: [...sharedFlags.filter((flag) => flag.trait === 'always').map(row), helpRow, versionRow],
      },
    ],
    output,
  )
}

export function commandHelp(command: CommandModule, words: readonly string[], verb: Verb, output: Output): string {
  const shared = flagsOf(command)
  const children = command.children ?? []
  const argumentsText = (command.arguments ?? []).map((argument) => argument.name).join(' ')
  const name = `tblctl ${words.join(' ')}`
  const usage =
    command.run === undefined ? [] : [[`${name}${argumentsText && ` ${argumentsText}`} [flags]`, ''] as const]
  if (children.length > 0) usage.push([`${name} COMMAND [flags]`, ''])
  return render(
    [command.summary + '.', ...(command.description === undefined ? [] : command.description.split('\n\n'))],
    [
      { title: 'Examples', rows: command.examples.map((example) => [example.command, example.does] as const) },
      { title: 'Usage', rows: usage },
      { title: 'Aliases', rows: words.length === 1 ? (verb.aliases ?? []).map((alias) => [alias, ''] as const) : [] },
      { title: 'Commands', rows: children.map((child) => [child.name, child.summary] as const) },
      {
        title: 'Arguments',
        rows: (command.arguments ?? []).map((argument) => [argument.name, describe(argument)] as const),
      },
      { title: 'Flags', rows: [...(command.options ?? []), ...shared.filter(isCommon)].map(row) },
      {
        title: 'Global flags',
        rows: command.run === undefined ? [helpRow] : [...shared.filter((flag) => !isCommon(flag)).map(row), helpRow],
      },
    ],
    output,
  )
}

const isCommon = (flag: { readonly trait: string }): boolean =>
  ['selection', 'dry-run', 'approval'].includes(flag.trait)
const helpRow = ['-h, --help', 'this text'] as const
const versionRow = ['-V, --version', 'the version'] as const

const row = (spec: OptionSpec): readonly [string, string] => [
  // Long flags stand below each other whether or not they have a short one.
  spec.flags.startsWith('--') ? `    ${spec.flags}` : spec.flags,
  describe(spec),
]

function describe(spec: { readonly description: string; readonly choices?: readonly string[] }): string {
  return spec.choices === undefined ? spec.description : `${spec.description}: ${spec.choices.join(', ')}`
}

/** Names in one column up to this width; a longer one has its text on the next line. */
const nameWidth = 32

function render(paragraphs: readonly string[], blocks: readonly Block[], { colors, width }: Output): string {
  const room = Math.min(width() ?? 120, 120)
  const lines = paragraphs.flatMap((paragraph, at) => [...(at === 0 ? [] : ['']), ...wrap(paragraph, room)])
  for (const { title, rows } of blocks) {
    if (rows.length === 0) continue
    lines.push('', colors.bold(title))
    const column = Math.min(nameWidth, Math.max(...rows.map(([name]) => name.length)))
    for (const [name, text] of rows) {
      if (text === '') lines.push(`  ${name}`)
      else {
        const wrapped = wrap(text, Math.max(30, room - column - 4))
        const [first, rest] =
          name.length > column
            ? [[`  ${name}`], wrapped]
            : [[`  ${name.padEnd(column)}  ${wrapped[0]}`], wrapped.slice(1)]
        lines.push(...first, ...rest.map((more) => `${' '.repeat(column + 4)}${more}`))
      }
    }
  }
  return `${lines.join('\n')}\n`
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)
