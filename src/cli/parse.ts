/** The words of one command → its arguments, its options and the shared flags, by commander; flag > variable > default. */
import { Argument, Command, CommanderError, Option } from 'commander'
import { fail, TblctlError } from '../core/errors.ts'
import { printable } from '../core/ref.ts'
import { didYouMean } from '../core/suggest.ts'
import type { CommandModule, OptionSpec } from './command.ts'
import type { Environment } from './environment.ts'
import { flagsOf } from './flags/of.ts'
import { bindOptionalValues, flagNames } from './flags/scan.ts'
import { defaults, type GlobalOptions, type SharedFlag, sharedFlags } from './flags/shared.ts'
import { choice, truth } from './flags/values.ts'
import { noRows, orderColumns } from './output/columns.ts'

/** `help`: somebody asked for it. */
export type Parsed =
  | { readonly is: 'help' }
  | { readonly is: 'run'; readonly args: object; readonly options: object; readonly global: GlobalOptions }

export function parse(
  command: CommandModule,
  words: readonly string[],
  rest: readonly string[],
  env: Environment,
): Parsed {
  const shared = flagsOf(command)
  const own = command.options ?? []
  const parser = new Command(words.join(' '))
    .exitOverride()
    .configureOutput({ writeOut: () => {}, writeErr: () => {} })
    .showSuggestionAfterError(false)
  for (const { name, description, choices } of command.arguments ?? []) {
    const argument = new Argument(name, description)
    if (choices !== undefined) argument.argParser(choice(argument.name(), choices))
    parser.addArgument(argument)
  }
  for (const spec of [...own, ...shared]) parser.addOption(optionOf(spec))
  try {
    parser.parse(bindOptionalValues(rest, shared, '2s'), { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { is: 'help' }
    throw usageError(error, words, [...own, ...shared])
  }
  const values = parser.opts()
  const global = globalOptions(shared, parser, env)
  checkView(command, global, parser)
  const options = Object.fromEntries(
    own.map((spec) => [new Option(spec.flags).attributeName(), values[new Option(spec.flags).attributeName()]]),
  )
  const names = parser.registeredArguments.map((argument) => argument.name())
  return {
    is: 'run',
    args: Object.fromEntries(names.map((name, at) => [name, parser.processedArgs[at]])),
    options,
    global,
  }
}

function optionOf(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.description)
  const read =
    spec.parse ?? (spec.choices === undefined ? undefined : choice(flagNames(spec).at(-1)!.slice(2), spec.choices))
  const value = (text: string): unknown =>
    located(flagNames(spec).at(-1)!, () => (read === undefined ? text : read(text)))
  if (spec.repeat === true)
    option.argParser((text: string, before: readonly unknown[] | undefined) => [...(before ?? []), value(text)])
  else if (spec.flags.includes('<') || spec.flags.includes('[')) option.argParser((text: string) => value(text))
  return option
}

/** The text did not fit: say which flag or variable it came from. */
function located<Value>(origin: string, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof TblctlError)) throw error
    throw new TblctlError({ ...error.view, message: `${origin}: ${error.view.message}` })
  }
}

function globalOptions(shared: readonly SharedFlag[], parser: Command, env: Environment): GlobalOptions {
  const result: Record<string, unknown> = { ...defaults }
  for (const flag of shared) {
    const attribute = new Option(flag.flags).attributeName()
    const text = flag.variable === null ? undefined : env[flag.variable]
    if (parser.getOptionValueSource(attribute) === 'cli') result[flag.key] = parser.getOptionValue(attribute)
    else if (text !== undefined && text !== '') result[flag.key] = located(flag.variable!, () => ofVariable(flag, text))
  }
  return result as unknown as GlobalOptions
}

function ofVariable(flag: SharedFlag, text: string): unknown {
  if (flag.flags.includes('<') || flag.flags.includes('[')) return flag.parse === undefined ? text : flag.parse(text)
  return flag.flags.includes('--no-') ? !truth(text) : truth(text)
}

/** What can be known to be wrong before the work is done is said before. */
function checkView(command: CommandModule, global: GlobalOptions, parser: Command): void {
  if (Array.isArray(command.columns)) {
    orderColumns(command.columns, global.columns)
    if (global.sortBy !== null) orderColumns(command.columns, [global.sortBy.column])
  }
  if (command.prints === 'object' && global.output === 'csv') throw noRows()
  if (['table', 'wide', 'csv'].includes(global.output)) return
  for (const [attribute, flag] of [
    ['columns', '--columns'],
    ['headers', '--no-headers'],
  ] as const)
    if (parser.getOptionValueSource(attribute) === 'cli')
      throw fail('usage', 'flag-without-effect', `${flag} has no effect on -o ${global.output}`, {
        hint: 'it is for table, wide and csv',
      })
}

function usageError(error: CommanderError, words: readonly string[], flags: readonly OptionSpec[]): Error {
  const command = words.join(' ')
  const code = error.code.replace(/^commander\./, '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  const unknown = /unknown option '(.*)'/s.exec(error.message)?.[1]?.split('=')[0]
  if (unknown === undefined)
    return fail('usage', code, `${command}: ${error.message.replace(/^error: /, '')}`, {
      hint: `tblctl ${command} --help`,
    })
  if (sharedFlags.some((flag) => flagNames(flag).includes(unknown)))
    return fail('usage', 'flag-not-supported', `${command} does not take ${unknown}`, {
      hint: `tblctl ${command} --help`,
    })
  const near = didYouMean(
    unknown,
    flags.flatMap(flagNames).filter((name) => name.startsWith('--')),
  )
  return fail('usage', code, `${command} has no flag ${printable(unknown)}`, {
    hint: near === undefined ? `tblctl ${command} --help` : `did you mean ${near}?`,
  })
}
