/**
 * Loaded into a child by `--import`. It listens to the announcements of durable writes and, as the environment says, kills the process at
 * the n-th (FAULT_KILL=n), at a named one (FAULT_KILL_AT=step, FAULT_KILL_AT=step#3), stops it there (FAULT_STOP_AT), or slows it down
 * (FAULT_SLOW=step=ms). FAULT_COUNT=file writes down how many there were and which.
 */
import { subscribe } from 'node:diagnostics_channel'
import { appendFileSync } from 'node:fs'

const { FAULT_KILL, FAULT_KILL_AT, FAULT_STOP_AT, FAULT_SLOW, FAULT_COUNT } = process.env
const [slowStep, slowMs] = (FAULT_SLOW ?? '').split('=')
const seen = new Map<string, number>()
let total = 0

subscribe('tblctl:durable', (message) => {
  const { step } = message as { step: string }
  total++
  const times = (seen.get(step) ?? 0) + 1
  seen.set(step, times)
  if (FAULT_COUNT) appendFileSync(FAULT_COUNT, `${step}\n`)
  const here = (wanted: string | undefined) => wanted === step || wanted === `${step}#${times}`
  if (FAULT_KILL === String(total) || here(FAULT_KILL_AT)) process.kill(process.pid, 'SIGKILL')
  if (here(FAULT_STOP_AT)) process.kill(process.pid, 'SIGSTOP')
  if (step === slowStep) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(slowMs))
})
