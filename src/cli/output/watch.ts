/** `--watch`: the same view again and again; on a terminal painted over the last one, in a pipe appended. */
import type { StopSource } from '../../core/host.ts'
import type { Io } from '../io.ts'

/** Runs `once` until somebody asks to stop; an exit code other than 0 ends it. `pause` resolves early when stopped. */
export async function watch(
  intervalMs: number,
  once: (io: Io) => Promise<number>,
  { io, stop }: { io: Io; stop: StopSource },
): Promise<number> {
  for (;;) {
    const code = io.stdout.isTTY ? await repaint(io, once) : await once(io)
    if (code !== 0 || stop.why !== null) return code
    await pause(intervalMs, stop)
    if (stop.why !== null) return code
  }
}

/** Collected first, so that the screen is never empty while the next answer is on its way. */
async function repaint(io: Io, once: (io: Io) => Promise<number>): Promise<number> {
  let text = ''
  const stdout = Object.assign(Object.create(io.stdout) as Io['stdout'], {
    write: (piece: string) => {
      text += piece
      return Promise.resolve()
    },
  })
  const code = await once({ ...io, stdout })
  await io.stdout.write(`\u001b[H\u001b[J${text}`)
  return code
}

function pause(ms: number, stop: StopSource): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      forget()
      resolve()
    }
    const timer = setTimeout(end, ms)
    const forget = stop.onStop(end)
  })
}
