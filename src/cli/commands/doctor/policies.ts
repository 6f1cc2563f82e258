/** `tblctl doctor --print-policy`: what the administrator of a backend has to grant. */
import type { Tblctl } from '../../../api/open.ts'
import type { CommandContext } from '../../command.ts'
import { clean, cleanLines } from '../../output/text.ts'
import type { Column } from '../../output/view.ts'

interface Policy {
  readonly backend: string
  readonly driver: string
  readonly policy: string
}

const columns: readonly Column<Policy>[] = [
  { name: 'backend', value: (item) => item.backend },
  { name: 'driver', value: (item) => item.driver },
  { name: 'policy', value: (item) => item.policy },
]

export async function printPolicies(context: CommandContext<Tblctl>, backends: readonly string[]): Promise<void> {
  const tblctl = await context.api()
  const items: Policy[] = []
  for (const backend of backends.length > 0 ? backends : tblctl.config.backends.keys()) {
    // Asked first: it refuses a backend that there is not.
    const policy = await tblctl.policy(backend)
    items.push({ backend, driver: tblctl.config.backends.get(backend)!.driver, policy })
  }
  if (context.global.output !== 'table' && context.global.output !== 'wide')
    return context.print({ is: 'list', kind: 'PolicyList', columns, items })
  // A policy is copied to somewhere else: as it is, and not in a table.
  for (const { backend, driver, policy } of items)
    await context.io.stdout.write(`# ${clean(backend)} (${clean(driver)})\n${cleanLines(policy)}\n`)
}
