/** One timer a process renews all its leases in one statement, and tells those whose lease is gone. */
import type { Host } from '../host.ts'

export class Heartbeat {
  private readonly watchers = new Map<number, { lost(): void; beat(): void }>()
  private timer: NodeJS.Timeout | undefined
  private readonly host: Host
  constructor(host: Host) {
    this.host = host
  }

  /** `lost` is called once when the lease of this fence is no longer ours; `beat` after every renewal. Returns how to stop watching. */
  watch(fence: number, lost: () => void, beat: () => void = () => {}): () => void {
    this.watchers.set(fence, { lost, beat })
    // A third of the life time: two beats may fail before the lease is gone.
    this.timer ??= setInterval(() => void this.renew(), this.host.leaseMs / 3)
    return () => {
      this.watchers.delete(fence)
      if (this.watchers.size > 0) return
      clearInterval(this.timer)
      this.timer = undefined
    }
  }

  private async renew(): Promise<void> {
    let held: ReadonlySet<number>
    try {
      held = await this.host.catalog.renew(this.host.owner, this.host.leaseMs)
    } catch (error) {
      // Not lost yet: the next beat may succeed, and every commit checks the fence anyway.
      this.host.reporter.log(
        'warn',
        `leases could not be renewed: ${error instanceof Error ? error.message : String(error)}`,
      )
      return
    }
    for (const [fence, watcher] of [...this.watchers]) {
      if (held.has(fence)) watcher.beat()
      else {
        this.watchers.delete(fence)
        watcher.lost()
      }
    }
  }
}
