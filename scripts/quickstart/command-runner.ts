/** Real `tblctl` command lines, run in this process: 300 of them without 300 times the start of Node and of the engine. */
import { Writable } from 'node:stream'
import type { Environment } from '../../src/cli/environment.ts'
import type { Signal, Terminal } from '../../src/cli/io.ts'
import { run } from '../../src/cli/main.ts'
import { services } from '../../src/cli/wiring.ts'

export interface CommandRunner {
  /** Prints the command line, then runs it on this terminal. */
  show(...argv: string[]): Promise<void>
  /** Runs it and returns what it wrote on stdout. */
  capture(...argv: string[]): Promise<string>
}

/** A command ended with another code than 0; `output` is what of it was not shown yet. */
export class CommandFailed extends Error {
  readonly code: number
  readonly output: string
  constructor(argv: readonly string[], code: number, output: string) {
    super(`${commandLine(argv)} failed (exit code ${code})`)
    this.code = code
    this.output = output
  }
}

/** As one types it in a POSIX shell. */
export const commandLine = (argv: readonly string[]): string => ['tblctl', ...argv].map(quoted).join(' ')

function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  return /["$`\\!]/.test(word) ? `'${word.replaceAll("'", `'\\''`)}'` : `"${word}"`
}

/** The variables without tblctl's own: a TBLCTL_CONFIG of the shell would lead the commands to somebody's tables. */
export const plainEnvironment = (): Environment =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TBLCTL_')))

/** Commands run in `directory`; `print` gets each command line that is shown. `now` is their clock. */
export function createRunner(
  directory: string,
  print: (commandLine: string) => void,
  now: () => Date = () => new Date(),
): CommandRunner {
  const env = plainEnvironment()
  const start = (argv: readonly string[], streams: Pick<Terminal, 'stdout' | 'stderr'>): Promise<number> =>
    run(argv, { stdin: process.stdin, ...streams, directory, now, onSignal, exit: process.exit }, env, { services })
  return {
    async show(...argv) {
      print(commandLine(argv))
      const code = await start(argv, { stdout: process.stdout, stderr: process.stderr })
      if (code !== 0) throw new CommandFailed(argv, code, '')
    },
    async capture(...argv) {
      const [stdout, both] = [[] as string[], [] as string[]]
      const code = await start(argv, { stdout: sink(stdout, both), stderr: sink(both) })
      if (code !== 0) throw new CommandFailed(argv, code, both.join(''))
      return stdout.join('')
    },
  }
}

const sink = (...into: readonly string[][]): Writable =>
  new Writable({
    decodeStrings: false,
    write(text, _encoding, done) {
      for (const list of into) list.push(String(text))
      done()
    },
  })

const signals: readonly Signal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

function onSignal(listener: (signal: Signal) => void): () => void {
  for (const signal of signals) process.on(signal, listener)
  return () => {
    for (const signal of signals) process.off(signal, listener)
  }
}
