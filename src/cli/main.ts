/**
 * argv → command → exit code. Help, completion and errors included; the process itself is start.ts's business.
 * Every module is loaded where it is needed: the files that `--help` reads are most of its time.
 */
import { fail } from '../core/errors.ts'
import type { Environment } from './environment.ts'
import { type OutputFormat, outputFormats } from './flags/shared.ts'
import { BrokenPipe, createIo, type Io, type Terminal } from './io.ts'
import { resolve } from './resolve.ts'
import type { Services } from './services.ts'
import { verbs as allVerbs, type Verb } from './verbs.ts'

export interface House {
  readonly verbs?: readonly Verb[]
  readonly services?: Services
}

/** Never throws: whatever is thrown below is said on stderr and becomes an exit code. */
export async function run(
  argv: readonly string[],
  terminal: Terminal,
  env: Environment,
  { verbs = allVerbs, services }: House = {},
): Promise<number> {
  const io = createIo(terminal, env, { color: 'auto', input: true })
  try {
    const resolved = await resolve(argv, verbs)
    if (resolved === undefined) return await withoutCommand(argv, verbs, io)
    const [{ parse }, { execute }] = await Promise.all([import('./parse.ts'), import('./execute.ts')])
    const parsed = parse(resolved.command, resolved.words, resolved.rest, env)
    if (parsed.is === 'run' && resolved.command.run !== undefined)
      return await execute({ ...resolved, ...parsed, terminal, env, verbs, services })
    const { commandHelp } = await import('./help/command-help.ts')
    await io.stdout.write(commandHelp(resolved.command, resolved.words, resolved.verb, io.stdout))
    return 0
  } catch (error) {
    if (error instanceof BrokenPipe) return 0
    const { reportError } = await import('./report-error.ts')
    return reportError(error, io, { output: askedFormat(argv, env), verbose: false, careful: false })
  }
}

async function withoutCommand(argv: readonly string[], verbs: readonly Verb[], io: Io): Promise<number> {
  if (argv.includes('--version') || argv.includes('-V')) {
    const { readPackage } = await import('./version.ts')
    await io.stdout.write(`tblctl ${readPackage().version}\n`)
    return 0
  }
  if (argv.length > 0 && !argv.includes('--help') && !argv.includes('-h'))
    throw fail('usage', 'missing-command', 'a command is missing', { hint: 'tblctl --help' })
  const { rootHelp } = await import('./help/command-help.ts')
  await io.stdout.write(rootHelp(verbs, io.stdout))
  return 0
}

/** The command line could not be read, but a script that asked for JSON still gets its error as JSON. */
function askedFormat(argv: readonly string[], env: Environment): OutputFormat {
  let asked = env.TBLCTL_OUTPUT
  for (const [at, word] of argv.entries()) {
    if (word === '--') break
    if (word === '-o' || word === '--output') asked = argv[at + 1]
    else asked = /^(?:-o|--output=)(.+)$/.exec(word)?.[1] ?? asked
  }
  return outputFormats.find((format) => format === asked) ?? 'table'
}
