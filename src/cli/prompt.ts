/** Questions on stderr. The library is loaded when there is something to ask. */
import { Stopped } from '../core/errors.ts'
import type { Io } from './io.ts'

export interface Prompter {
  /** Default is no. */
  confirm(question: string): Promise<boolean>
  text(question: string): Promise<string>
}

/** Ctrl-C, a closed stdin and `signal` throw Stopped. */
export function createPrompter(io: Io, signal: AbortSignal): Prompter {
  const streams = { input: io.stdin, output: io.stderr.stream, signal }
  return {
    confirm: (message) =>
      stopped(async () => (await import('@inquirer/prompts')).confirm({ message, default: false }, streams)),
    text: (message) => stopped(async () => (await import('@inquirer/prompts')).input({ message }, streams)),
  }
}

async function stopped<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof Error && /^(ExitPrompt|AbortPrompt|CancelPrompt)Error$/.test(error.name))
      throw new Stopped('interrupt')
    throw error
  }
}
