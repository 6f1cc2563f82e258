/** Runs one command: its context, its stop source, the end of the run (error, metrics, exit code). */
import { fail, Stopped, TblctlError } from '../core/errors.ts'
import { createApprover } from './approval.ts'
import type { CommandContext, CommandModule } from './command.ts'
import type { Environment } from './environment.ts'
import type { GlobalOptions } from './flags/shared.ts'
import { BrokenPipe, createIo, type Io, type Terminal } from './io.ts'
import { print } from './output/print.ts'
import { type CliReporter, createReporter } from './output/progress.ts'
import { reportExitCode, reportView, type Summary, summarize } from './output/report.ts'
import { createPrompter } from './prompt.ts'
import { reportError } from './report-error.ts'
import { newRunId } from './run-id.ts'
import type { Services } from './services.ts'
import { createStop, type Stop, stopCodes } from './stop.ts'
import type { Verb } from './verbs.ts'

export interface Execution {
  readonly command: CommandModule
  readonly words: readonly string[]
  readonly args: object
  readonly options: object
  readonly global: GlobalOptions
  readonly terminal: Terminal
  readonly env: Environment
  readonly verbs: readonly Verb[]
  readonly services: Services | undefined
}

/** Returns the exit code; what the command throws is reported here. */
export async function execute(execution: Execution): Promise<number> {
  const { command, words, global, terminal, env } = execution
  const io = createIo(terminal, env, global)
  const startedAt = io.now()
  const run = global.runId ?? newRunId(startedAt)
  const careful = command.takes?.includes('approval') === true
  const reporter = createReporter(io, { ...global, run })
  using stop = createStop({
    careful,
    announce: (why) => {
      if (careful) io.stderr.say(stopText(why, reporter))
    },
    exit: (code) => {
      reporter.clear()
      if (stop.why !== null && stop.hard.aborted) reportError(new Stopped(stop.why), io, { ...global, careful })
      terminal.exit(code)
    },
  })
  const forget = terminal.onSignal((signal) => stop.signal(signal))
  if (global.timeoutMs !== null) stop.timeout(global.timeoutMs)
  const session: Session = { api: undefined, summary: null }
  let code: number
  try {
    code = await runCommand(execution, session, { io, run, reporter, stop })
    // What only reads was cut short even if it found its end.
    if (code === 0 && stop.why !== null && !careful) throw new Stopped(stop.why)
  } catch (thrown) {
    reporter.clear()
    code = thrown instanceof BrokenPipe ? 0 : reportError(cause(thrown, stop), io, { ...global, careful })
  } finally {
    forget()
  }
  if (code === stopCodes.interrupt && stop.why === 'terminate') code = stopCodes.terminate
  await writeMetrics(
    global.metricsFile,
    { verb: words.join(' '), startedAt, endedAt: io.now(), exitCode: code, items: session.summary },
    reporter,
  )
  return code
}

/** What a run opens and learns while it goes on. */
interface Session {
  api: Promise<AsyncDisposable> | undefined
  summary: Summary | null
}
interface Tools {
  readonly io: Io
  readonly run: string
  readonly reporter: CliReporter
  readonly stop: Stop
}

async function runCommand(execution: Execution, session: Session, tools: Tools): Promise<number> {
  const { command, args, options } = execution
  const { io, stop } = tools
  try {
    if (execution.global.watchMs === null)
      return exitCode(await command.run!(createContext(execution, session, tools), args, options))
    const { watch } = await import('./output/watch.ts')
    // Tables one below the other are for eyes; a pipe gets a line for each item.
    const output = execution.global.output === 'table' && !io.stdout.isTTY ? 'ndjson' : execution.global.output
    const watched = { ...execution, global: { ...execution.global, output } }
    return await watch(
      execution.global.watchMs,
      async (onto) =>
        exitCode(await command.run!(createContext(watched, session, { ...tools, io: onto }), args, options)),
      { io, stop },
    )
  } finally {
    await (await session.api?.catch(() => undefined))?.[Symbol.asyncDispose]()
  }
}

const exitCode = (returned: unknown): number => (typeof returned === 'number' ? returned : 0)

function createContext(execution: Execution, session: Session, tools: Tools): CommandContext {
  const { global, env, services, verbs } = execution
  const { io, run, reporter, stop } = tools
  const approver = createApprover({ ...global, io, prompter: createPrompter(io, stop) })
  const api = async (): Promise<AsyncDisposable> => {
    if (services === undefined)
      throw fail('bug', 'no-services', 'this command was started without the services it needs')
    const { directory } = io
    return services.open({ ...global, env, directory, run, approver, reporter, stop })
  }
  const context: CommandContext = {
    ...{ io, env, global, run, stop, reporter, approver, services, verbs },
    api: () => (session.api ??= api()),
    print: (view) => {
      reporter.clear()
      return print(view, global, io)
    },
    report: async (report) => {
      session.summary = summarize(report.items)
      // The work is done: that nobody reads the report does not make it a success.
      await context.print(reportView(report)).catch((error: unknown) => {
        if (!(error instanceof BrokenPipe)) throw error
      })
      return reportExitCode(report.items)
    },
  }
  return context
}

/** What an abort made fail is the abort, whatever a library threw for it. */
function cause(thrown: unknown, stop: Stop): unknown {
  if (stop.why === null || thrown instanceof TblctlError) return thrown
  return new Stopped(stop.why)
}

function stopText(why: Stopped['why'], reporter: CliReporter): string {
  reporter.clear()
  const running = reporter.running()
  const what =
    running.length === 0
      ? 'what it does'
      : running.slice(0, 3).join(', ') + (running.length > 3 ? ` and ${running.length - 3} more` : '')
  return why === 'timeout'
    ? `the time of --timeout is over: finishing ${what} up to the next safe point`
    : `${new Stopped(why).message}: finishing ${what} up to the next safe point; once more stops at once`
}

async function writeMetrics(
  path: string | null,
  facts: import('./output/metrics-file.ts').RunFacts,
  reporter: CliReporter,
): Promise<void> {
  if (path === null) return
  try {
    const { writeMetricsFile } = await import('./output/metrics-file.ts')
    await writeMetricsFile(path, facts)
  } catch (error) {
    reporter.log(
      'warn',
      `metrics were not written to ${path}: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}
