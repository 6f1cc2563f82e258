/** argv → the command that is meant and the words that belong to it. */
import { fail } from '../core/errors.ts'
import { printable } from '../core/ref.ts'
import { didYouMean } from '../core/suggest.ts'
import type { CommandModule } from './command.ts'
import { type Scan, scan } from './flags/scan.ts'
import { sharedFlags } from './flags/shared.ts'
import { findVerb, type Verb } from './verbs.ts'

export interface Resolved {
  readonly verb: Verb
  readonly command: CommandModule
  /** `jobs`, `list` */
  readonly words: readonly string[]
  /** All other words, flags before the command included. */
  readonly rest: readonly string[]
}

/** Throws a usage error when the first word is no command. Undefined when there is no word at all. */
export async function resolve(argv: readonly string[], table: readonly Verb[]): Promise<Resolved | undefined> {
  const first = scan(argv, sharedFlags)
  if (first.word === null) return undefined
  refuseUnknownBefore(first)
  const verb = findVerb(table, first.word)
  if (verb === undefined) throw unknownCommand(first.word, table)
  const { command } = await verb.load()
  return descend(verb, command, [verb.name], first)
}

/** Sub-commands: `jobs list`. Where a command also works by itself (`reshard REF`), a word that is no sub-command is its argument. */
function descend(verb: Verb, command: CommandModule, words: readonly string[], found: Scan): Resolved {
  const children = command.children ?? []
  const own = [...(command.options ?? []), ...children.flatMap((child) => child.options ?? [])]
  const next = children.length > 0 ? scan(found.after, [...sharedFlags, ...own]) : null
  const child = children.find((candidate) => candidate.name === next?.word)
  if (next !== null && child !== undefined)
    return descend(verb, child, [...words, child.name], { ...next, before: [...found.before, ...next.before] })
  const asksHelp = found.after.some((word) => word === '-h' || word === '--help')
  if (command.run === undefined && !asksHelp)
    throw missingChild(
      words,
      next?.word ?? null,
      children.map((candidate) => candidate.name),
    )
  return { verb, command, words, rest: [...found.before, ...found.after] }
}

function unknownCommand(word: string, table: readonly Verb[]): Error {
  const names = table.filter((verb) => verb.hidden !== true).flatMap((verb) => [verb.name, ...(verb.aliases ?? [])])
  const near = didYouMean(word, names)
  return fail('usage', 'unknown-command', `"${printable(word)}" is no command of tblctl`, {
    hint: near === undefined ? 'tblctl --help' : `did you mean ${near}?`,
  })
}

function missingChild(words: readonly string[], word: string | null, names: readonly string[]): Error {
  const parent = words.join(' ')
  if (word === null)
    return fail('usage', 'missing-command', `${parent} needs one of: ${names.join(', ')}`, {
      hint: `tblctl ${parent} --help`,
    })
  const near = didYouMean(word, names)
  return fail('usage', 'unknown-command', `"${printable(word)}" is no command of tblctl ${parent}`, {
    hint: near === undefined ? `tblctl ${parent} --help` : `did you mean ${parent} ${near}?`,
  })
}

/** Only shared flags may stand before the command: of another one nobody knows whether the next word is its value. */
function refuseUnknownBefore(found: Scan): void {
  const names = new Set(sharedFlags.flatMap((flag) => flag.flags.split(/, | /)))
  for (const token of found.before) {
    if (!token.startsWith('--')) continue
    const [flag = ''] = token.split('=')
    if (!names.has(flag) && flag !== '--help')
      throw fail('usage', 'unknown-option', `${printable(flag)} does not stand before the command`, {
        hint: `flags of a command stand after it: tblctl ${printable(found.word ?? 'COMMAND')} ${printable(flag)}`,
      })
  }
}
