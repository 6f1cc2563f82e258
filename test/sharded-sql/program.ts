/** `drop REF` in a process of its own, for the fault harness. */
import { errorView, exitCodes } from '../../src/core/errors.ts'
import { openIn } from '../support/open.ts'
import { drop } from './world.ts'

await using tblctl = await openIn(process.cwd())
try {
  const { items } = await drop(tblctl, process.argv[2]!)
  process.stdout.write(`${JSON.stringify(items)}\n`)
  const failed = items.find((item) => item.error)?.error
  if (failed) process.exitCode = exitCodes[failed.kind]
} catch (error) {
  // Killed after its last step, it has done all that it was asked for.
  const view = errorView(error)
  process.stdout.write(`${JSON.stringify(view)}\n`)
  if (view.kind !== 'missing') process.exitCode = exitCodes[view.kind]
}
