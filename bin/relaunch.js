// Under a Node that is too old the launcher starts the pinned one and stays as a shell around it: it passes signals on and ends as it ends.
import { spawn } from 'node:child_process'
import { Socket } from 'node:net'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
/** The pipe between both: signals by name, and its end says that the launcher is gone. */
const descriptor = 3
/** Ctrl-C goes to both processes: what the child got by itself within this time is not raised a second time. */
const sameMs = 1000

/** Launcher's side. Resolves when the child ended; this process then ends with its code or signal. */
export function relaunch(node, script) {
  return new Promise((resolve) => {
    const child = spawn(node, [script, ...process.argv.slice(2)], {
      stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
      env: { ...process.env, TBLCTL_LAUNCHER: String(descriptor) },
    })
    const link = child.stdio[descriptor]
    link.on('error', () => {})
    const pass = (signal) => link.write(`${signal}\n`)
    for (const signal of signals) process.on(signal, pass)
    child.on('error', (error) => {
      process.stderr.write(`error: cannot start ${node}: ${error.message}\n`)
      process.exitCode = 69
      resolve()
    })
    child.on('exit', (code, signal) => {
      for (const name of signals) process.off(name, pass)
      if (signal !== null) process.kill(process.pid, signal)
      else process.exitCode = code
      link.destroy()
      resolve()
    })
  })
}

/** Child's side. When the launcher is gone (kill -9), it stops as for SIGTERM: at a safe point, and not as an orphan. */
export function followLauncher() {
  delete process.env.TBLCTL_LAUNCHER
  const last = new Map()
  for (const signal of signals) process.on(signal, () => last.set(signal, Date.now()))
  const raise = (signal) => process.kill(process.pid, signal)
  const link = new Socket({ fd: descriptor, readable: true, writable: false })
  link.setEncoding('utf8')
  link.on('data', (text) => {
    // The child's own may arrive a little later than the launcher's word of it.
    for (const signal of text.split('\n').filter((name) => signals.includes(name)))
      setTimeout(() => Date.now() - (last.get(signal) ?? 0) > sameMs && raise(signal), 100)
  })
  link.on('error', () => {})
  link.on('close', () => raise('SIGTERM'))
  link.unref()
}
