/** One call of the service layer in a process of its own, for the fault harness and for races. argv[2]: the call as JSON. Prints the report. */
import { errorView, exitCodes } from '../../src/core/errors.ts'
import { openIn } from '../support/open.ts'
import { asUser, create, type LoadWith, load, optimize, register, unregister } from './driver/calls.ts'

type Call =
  | readonly ['create', string, string]
  | readonly ['register' | 'unregister' | 'optimize' | 'label', string]
  | readonly ['load', string, readonly string[], LoadWith?]
  | readonly ['cancel', string]

const call = JSON.parse(process.argv[2]!) as Call
const directory = process.cwd()

async function answer(): Promise<object> {
  const { CONTRACT_AS: as, LOCK_TIMEOUT: lockTimeout = 0 } = process.env
  const opened = await openIn(directory, { lockTimeoutMs: Number(lockTimeout) })
  await using tblctl = as === undefined ? opened : asUser(opened, as, false)
  switch (call[0]) {
    case 'create':
      return await create(tblctl, [call[1]], call[2])
    case 'register':
      return await register(tblctl, [call[1]])
    case 'unregister':
      return await unregister(tblctl, [call[1]])
    case 'optimize':
      return await optimize(tblctl, [call[1]])
    case 'label': {
      const [ref, label] = call[1].split(' ') as [string, string]
      return await tblctl.label({ refs: [ref] }, [label])
    }
    case 'load':
      return await load(tblctl, directory, call[1], call[2], call[3])
    case 'cancel':
      return await tblctl.jobs.cancel(call[1])
  }
}

try {
  const report = await answer()
  process.stdout.write(`${JSON.stringify(report)}\n`)
  const failed = 'items' in report ? (report.items as { error?: { kind: 'failed' } }[]).find((i) => i.error) : undefined
  if (failed?.error) process.exitCode = exitCodes[failed.error.kind]
} catch (error) {
  const view = errorView(error)
  process.stdout.write(`${JSON.stringify({ error: view })}\n`)
  process.exitCode = exitCodes[view.kind]
}
