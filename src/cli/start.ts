/** The only place that touches the process. */
import { existsSync } from 'node:fs'
import { exitCodes } from '../core/errors.ts'
import type { Signal, Terminal } from './io.ts'
import { run } from './main.ts'
import { cleanLines } from './output/text.ts'
import { services } from './wiring.ts'

const signals: readonly Signal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

const terminal: Terminal = {
  get stdin() {
    return process.stdin
  },
  stdout: process.stdout,
  stderr: process.stderr,
  directory: process.cwd(),
  now: () => new Date(),
  onSignal(listener) {
    for (const signal of signals) process.on(signal, listener)
    return () => {
      for (const signal of signals) process.off(signal, listener)
    }
  },
  exit: endAtOnce,
}

/**
 * process.exit joins the threads of the pool, and an engine's call that cannot be interrupted keeps one of them for as long as it
 * likes. Another program in the place of this one ends them all, and only such a program can still choose the exit code.
 */
function endAtOnce(code: number): never {
  const { execPath, execve } = process
  if (execve === undefined || !existsSync(execPath)) process.exit(code)
  process.removeAllListeners('warning') // execve is announced as experimental
  return execve(execPath, [execPath, '-e', `process.exit(${code})`], { ...process.env, NODE_OPTIONS: '' })
}

// A reader that went away is told to the one who writes (Io); without a listener Node would end with a stack trace.
process.stdout.on('error', () => {})
process.stderr.on('error', () => {})

// Thrown where nobody waited for it: a bug of ours, and an exit code that says so.
process.on('uncaughtException', (error: unknown) => {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`error: ${cleanLines(text)}\nthis is a bug in tblctl; please report it with these lines\n`)
  process.exit(exitCodes.bug)
})

process.exitCode = await run(process.argv.slice(2), terminal, process.env, { services })
