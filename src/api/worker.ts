/** worker: wakes what is due (queued jobs, and waiting ones whose time has come), until told to stop, or once. */
import { setTimeout as sleep } from 'node:timers/promises'
import { errorView } from '../core/errors.ts'
import type { ReportItem } from '../core/host.ts'
import { refOfPath } from '../core/ref.ts'
import { runJob } from './job-control.ts'
import type { Session } from './session.ts'

export interface WorkedItem extends ReportItem {
  readonly verb: string
}

/**
 * Yields an item per job that it ran, the oldest first. `once`: returns when nothing more can be done now. A job that another worker
 * took is passed over; one that stays due (its table is busy, its backend cannot be reached) is told once and tried again after the pause.
 */
export async function* work(
  session: Session,
  { once, pollMs = 1000 }: { once: boolean; pollMs?: number },
): AsyncIterable<WorkedItem> {
  const { stop } = session.host()
  const tried = new Set<string>()
  const told = new Map<string, string>()
  while (!stop.why) {
    let ran = 0
    const due = await Array.fromAsync(session.catalog().jobs({ due: true }))
    for (const job of due.reverse()) {
      if (stop.why) return
      if (job.live || tried.has(job.id)) continue
      tried.add(job.id)
      ran++
      let items: readonly ReportItem[]
      try {
        items = (await runJob(session, job)).items
      } catch (error) {
        const ref = refOfPath(job.path, job.subject)
        items = [{ ref, status: 'failed', job: job.id, error: errorView(error) }]
      }
      for (const item of items) {
        const code = item.error?.code
        if (code === undefined || told.get(job.id) !== code) yield { verb: job.verb, ...item }
        if (code !== undefined) told.set(job.id, code)
      }
    }
    if (ran > 0) continue
    if (once) return
    tried.clear()
    for (let waited = 0; waited < pollMs && !stop.why; waited += 100) await sleep(100)
  }
}
