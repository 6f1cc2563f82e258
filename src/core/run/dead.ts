/** A process of this host that is gone holds nothing: its leases are freed at once, so the same command goes on right after kill -9. */
import type { Host } from '../host.ts'

/** Returns true when something was freed. */
export async function reapDead(host: Host): Promise<boolean> {
  const owners = new Set((await host.catalog.leases()).map((lease) => lease.owner))
  owners.delete(host.owner)
  let freed = false
  for (const owner of owners)
    if (host.isGone(owner) && (await host.catalog.reap(owner)) > 0) {
      host.reporter.log('debug', `freed the leases of ${owner}, which is gone`)
      freed = true
    }
  return freed
}
