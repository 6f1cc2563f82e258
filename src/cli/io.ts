/** One object knows the terminal: streams, width, colour, and whether anybody can be asked. Data to stdout, everything else to stderr. */
import type { Readable, Writable } from 'node:stream'
import picocolors from 'picocolors'
import { fail } from '../core/errors.ts'
import { type ColorMode, wantsColor } from './color.ts'
import type { Environment } from './environment.ts'

export type Colors = ReturnType<typeof picocolors.createColors>
export type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** The process as the command line sees it; start.ts builds the real one, tests one over buffers. */
export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  /** Working directory. */
  readonly directory: string
  now(): Date
  onSignal(listener: (signal: Signal) => void): () => void
  /** Ends the process at once. */
  exit(code: number): void
}

export interface Output {
  readonly isTTY: boolean
  /** Columns of the terminal now; null when it is none, and then nothing is shortened. */
  width(): number | null
  readonly colors: Colors
  readonly stream: Writable
}
interface DataOutput extends Output {
  /** Resolves when the reader took it. Throws BrokenPipe when the reader is gone. */
  write(text: string): Promise<void>
}
interface TalkOutput extends Output {
  /** One or more lines for a person; nobody listening is no error. */
  say(text: string): void
}

export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: DataOutput
  readonly stderr: TalkOutput
  /** Somebody sits there: stdin and stderr are terminals, this is no CI, and `--no-input` was not given. */
  readonly canPrompt: boolean
  readonly directory: string
  now(): Date
}

/** The reader of stdout went away (`| head`): a quiet end, not an error. */
export class BrokenPipe extends Error {
  override readonly name = 'BrokenPipe'
}

export function createIo(
  terminal: Terminal,
  env: Environment,
  choice: { readonly color: ColorMode; readonly input: boolean },
): Io {
  const { stdout, stderr } = terminal
  const data: DataOutput = {
    ...outputOf(stdout, env, choice.color),
    write: (text) =>
      new Promise((resolve, reject) => {
        stdout.write(text, (error) => (error ? reject(notWritten(error)) : resolve()))
      }),
  }
  const talk: TalkOutput = {
    ...outputOf(stderr, env, choice.color),
    say: (text) => {
      stderr.write(text.endsWith('\n') ? text : `${text}\n`, () => {})
    },
  }
  return {
    // stdin is opened when somebody reads it, and not for `--help`.
    get stdin() {
      return terminal.stdin
    },
    stdout: data,
    stderr: talk,
    get canPrompt() {
      const ci = env.CI !== undefined && !/^(|0|false)$/.test(env.CI)
      return choice.input && !ci && stderr.isTTY === true && terminal.stdin.isTTY === true
    },
    directory: terminal.directory,
    now: () => terminal.now(),
  }
}

function outputOf(stream: Terminal['stdout'], env: Environment, color: ColorMode): Output {
  const isTTY = stream.isTTY === true
  return {
    isTTY,
    width: () => (isTTY ? (stream.columns ?? 80) : null),
    colors: picocolors.createColors(wantsColor(color, env, isTTY)),
    stream,
  }
}

const gone = new Set(['EPIPE', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END'])
function notWritten(error: Error): Error {
  if (gone.has((error as NodeJS.ErrnoException).code ?? '')) return new BrokenPipe(error.message)
  return fail('failed', 'output-not-written', `stdout does not take the data: ${error.message}`, { cause: error })
}
