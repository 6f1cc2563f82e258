/** Questions on stderr. The library is loaded when there is something to ask. */
import { Stopped } from '../core/errors.ts'
import type { StopSource } from '../core/host.ts'
import type { Io } from './io.ts'

export interface Prompter {
  /** Default is no. */
  confirm(question: string): Promise<boolean>
  text(question: string): Promise<string>
}

/** A question is no work to be finished: Ctrl-C, a closed stdin and the first signal or time-out throw Stopped. */
export function createPrompter(io: Io, stop: StopSource): Prompter {
  async function ask<Answer>(question: (streams: Streams) => Promise<Answer>): Promise<Answer> {
    const asked = new AbortController()
    using _forget = { [Symbol.dispose]: stop.onStop(() => asked.abort()) }
    if (stop.why) throw new Stopped(stop.why)
    try {
      return await question({ input: io.stdin, output: io.stderr.stream, signal: asked.signal })
    } catch (error) {
      if (error instanceof Error && /^(ExitPrompt|AbortPrompt|CancelPrompt)Error$/.test(error.name))
        throw new Stopped(stop.why ?? 'interrupt')
      throw error
    }
  }
  return {
    confirm: (message) =>
      ask(async (streams) => (await import('@inquirer/prompts')).confirm({ message, default: false }, streams)),
    text: (message) => ask(async (streams) => (await import('@inquirer/prompts')).input({ message }, streams)),
  }
}

interface Streams {
  readonly input: Io['stdin']
  readonly output: Io['stderr']['stream']
  readonly signal: AbortSignal
}
