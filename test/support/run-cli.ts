/** The command line in tests: in this process over buffers, or as a child process. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { PassThrough, Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Environment } from '../../src/cli/environment.ts'
import type { Signal, Terminal } from '../../src/cli/io.ts'
import { type House, run } from '../../src/cli/main.ts'

export interface RunCliOptions extends House {
  readonly env?: Environment
  readonly cwd?: string
  readonly stdin?: string
  /** Which streams are terminals; none. `true`: all. */
  readonly tty?: boolean | { readonly stdin?: boolean; readonly stdout?: boolean; readonly stderr?: boolean }
  readonly columns?: number
  readonly now?: () => Date
  /** Handed the terminal before the run: send signals, break pipes. */
  readonly drive?: (terminal: TestTerminal) => void
}
export interface CliResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** Codes of a forced end; the real process would not have come back. */
  readonly exits: readonly number[]
}

export interface TestTerminal extends Terminal {
  readonly out: { text: string }
  readonly err: { text: string }
  readonly exits: number[]
  signal(signal: Signal): void
  /** Every later write to stdout fails as after `| head`. */
  breakPipe(): void
}

export async function runCli(argv: readonly string[], options: RunCliOptions = {}): Promise<CliResult> {
  const terminal = testTerminal(options)
  options.drive?.(terminal)
  const house: { -readonly [Key in keyof House]: House[Key] } = {}
  if (options.verbs !== undefined) house.verbs = options.verbs
  if (options.services !== undefined) house.services = options.services
  const code = await run(argv, terminal, options.env ?? {}, house)
  return { code, stdout: terminal.out.text, stderr: terminal.err.text, exits: terminal.exits }
}

export function testTerminal(options: RunCliOptions = {}): TestTerminal {
  const tty =
    typeof options.tty === 'object' ? options.tty : { stdin: options.tty, stdout: options.tty, stderr: options.tty }
  const out = { text: '' }
  const err = { text: '' }
  let broken = false
  const listeners = new Set<(signal: Signal) => void>()
  const exits: number[] = []
  const sink = (into: { text: string }, breaks: boolean): Writable => {
    const stream = new Writable({
      write(chunk, _encoding, done) {
        if (breaks && broken) return done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
        into.text += String(chunk)
        done()
      },
    }).on('error', () => {})
    // As the streams of a process: a prompt that pipes into one does not end it.
    stream.end = () => stream
    return stream
  }
  const stdin = options.stdin === undefined ? new PassThrough() : Readable.from([Buffer.from(options.stdin)])
  return {
    stdin: Object.assign(stdin, { isTTY: tty.stdin === true }),
    stdout: Object.assign(sink(out, true), { isTTY: tty.stdout === true, columns: options.columns ?? 80 }),
    stderr: Object.assign(sink(err, false), { isTTY: tty.stderr === true, columns: options.columns ?? 80 }),
    directory: options.cwd ?? process.cwd(),
    now: options.now ?? (() => new Date()),
    onSignal(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    exit: (code) => void exits.push(code),
    out,
    err,
    exits,
    signal(signal) {
      for (const listener of listeners) listener(signal)
    },
    breakPipe() {
      broken = true
    },
  }
}

export interface SpawnedCli {
  readonly child: ChildProcessWithoutNullStreams
  readonly result: Promise<{
    readonly code: number | null
    readonly signal: NodeJS.Signals | null
    readonly stdout: string
    readonly stderr: string
  }>
}

/** From the sources, under the Node that runs the tests. `launcher`: through bin/tblctl.js. */
export function spawnCli(
  argv: readonly string[],
  options: {
    readonly env?: Environment
    readonly cwd?: string
    readonly stdin?: string
    readonly launcher?: boolean
  } = {},
): SpawnedCli {
  const script = options.launcher === true ? '../../bin/tblctl.js' : '../../src/cli/start.ts'
  const child = spawn(process.execPath, [fileURLToPath(new URL(script, import.meta.url)), ...argv], {
    cwd: options.cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
  })
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (piece: string) => {
      text[name] += piece
    })
  child.stdin.on('error', () => {})
  child.stdin.end(options.stdin ?? '')
  const result = new Promise<Awaited<SpawnedCli['result']>>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, ...text }))
  })
  return { child, result }
}
