/** Which words may follow, by @bomb.sh/tab over the same data as the help. Only the chosen command's module is loaded. */
import { type Complete, RootCommand, type Command as TabCommand } from '@bomb.sh/tab'
import type { CommandModule, Completes, OptionSpec } from '../command.ts'
import { flagsOf } from '../flags/of.ts'
import { flagNames, scan } from '../flags/scan.ts'
import { sharedFlags } from '../flags/shared.ts'
import { topics } from '../help/topics.ts'
import { findVerb, type Verb } from '../verbs.ts'
import { printed } from './printed.ts'

type Kind = Exclude<Completes, 'file' | 'command'>
/** Names of one kind; `config` is the value of `--config` on the line. */
type Names = (what: Kind, config: string | null) => Promise<readonly string[]>

/** `words`: all after `tblctl`, the last one is being typed and may be ''. Returns `value TAB description` lines and the directive. */
export async function complete(words: readonly string[], table: readonly Verb[], names: Names): Promise<string> {
  const typed = words.at(-1) ?? ''
  // tab knows `--flag value`; `--flag=value` is split for it, but for the word that is being typed.
  const before = words.slice(0, -1).flatMap((word) => (/^--[^=]+=/.test(word) ? splitOnce(word) : [word]))
  const root = new RootCommand()
  const verb = findVerb(table, scan(before, sharedFlags).word ?? '')
  const command = verb === undefined ? undefined : (await verb.load()).command
  const known = command === undefined ? new Map() : await fetchNames(command, typed, before, names)
  let files = false
  const values = (what: Completes, complete: Complete): void => {
    if (what === 'file') files = true
    else if (what === 'command') for (const [name, text] of helpWords(table)) complete(name, text)
    else for (const name of known.get(what) ?? []) complete(name, '')
  }
  for (const candidate of table) {
    if (candidate.hidden === true) continue
    for (const name of [candidate.name, ...(candidate.aliases ?? [])]) {
      const added = root.command(name, candidate.summary)
      if (candidate === verb && command !== undefined) describe(root, added, name, command, values)
    }
  }
  for (const flag of sharedFlags) if (flag.trait === 'always') addOption(root, flag, values)
  const answer = printed(() => root.parse([...before, typed]))
  return files ? answer.replace(/:4\n$/, ':0\n') : answer
}

function splitOnce(word: string): [string, string] {
  const at = word.indexOf('=')
  return [word.slice(0, at), word.slice(at + 1)]
}

/** Nothing is read while a flag is being typed. */
async function fetchNames(
  command: CommandModule,
  typed: string,
  before: readonly string[],
  names: Names,
): Promise<ReadonlyMap<Kind, readonly string[]>> {
  if (typed.startsWith('-') && !typed.includes('=')) return new Map()
  const kinds = new Set(completions(command))
  const at = Math.max(before.lastIndexOf('-c'), before.lastIndexOf('--config'))
  const config = at < 0 ? null : (before[at + 1] ?? null)
  return new Map(await Promise.all([...kinds].map(async (kind) => [kind, await names(kind, config)] as const)))
}

function completions(command: CommandModule): Kind[] {
  return [...(command.arguments ?? []), ...(command.options ?? []), ...flagsOf(command)]
    .flatMap(({ completes }) =>
      completes === undefined || completes === 'file' || completes === 'command' ? [] : [completes],
    )
    .concat((command.children ?? []).flatMap(completions))
}

type Values = (what: Completes, complete: Complete) => void

function describe(root: RootCommand, tab: TabCommand, words: string, command: CommandModule, values: Values): void {
  for (const option of [...(command.options ?? []), ...flagsOf(command)]) addOption(tab, option, values)
  for (const { name, choices, completes } of command.arguments ?? [])
    tab.argument(
      name,
      (complete) => {
        for (const choice of choices ?? []) complete(choice, '')
        if (completes !== undefined) values(completes, complete)
      },
      name.includes('...'),
    )
  for (const child of command.children ?? []) {
    const path = `${words} ${child.name}`
    describe(root, root.command(path, child.summary), path, child, values)
  }
}

function addOption(tab: TabCommand, spec: OptionSpec, values: Values): void {
  const names = flagNames(spec)
  const long = names.at(-1)!.slice(2)
  const short = names.length > 1 ? names[0]!.slice(1) : undefined
  if (!spec.flags.includes('<')) tab.option(long, spec.description, short)
  else
    tab.option(
      long,
      spec.description,
      (complete) => {
        for (const choice of spec.choices ?? []) complete(choice, '')
        if (spec.completes !== undefined) values(spec.completes, complete)
      },
      short,
    )
}

const helpWords = (table: readonly Verb[]): readonly (readonly [string, string])[] => [
  ...topics.map(({ name, summary }) => [name, summary] as const),
  ...table.filter((verb) => verb.hidden !== true).map(({ name, summary }) => [name, summary] as const),
]
