/** worker: wakes what is due (queued jobs, and waiting ones whose time has come), until told to stop, or once. */
import { setTimeout as sleep } from 'node:timers/promises'
import { errorView } from '../core/errors.ts'
import type { ReportItem } from '../core/host.ts'
import { refOfPath } from '../core/ref.ts'
import { runJob } from './jobs.ts'
import type { Session } from './session.ts'

export interface WorkedItem extends ReportItem {
  readonly verb: string
}

/**
 * Yields an item per job that it ran. `once`: returns when nothing more can be done now. A job that another worker took is passed over;
 * one whose table is busy is told once and tried again after the pause.
 */
export async function* work(
  session: Session,
  { once, pollMs = 1000 }: { once: boolean; pollMs?: number },
): AsyncIterable<WorkedItem> {
  const { stop } = session.host()
  const tried = new Map<string, number>()
  const busy = new Set<string>()
  const told = new Set<string>()
  while (!stop.why) {
    let ran = 0
    for await (const job of session.catalog().jobs({ due: true })) {
      if (stop.why) return
      // One that failed here is not tried again at once by the same worker.
      if (job.live || busy.has(job.id) || tried.get(job.id) === job.attempts) continue
      tried.set(job.id, job.attempts + 1)
      ran++
      try {
        for (const item of (await runJob(session, job)).items) {
          if (item.error?.kind === 'busy') busy.add(job.id)
          if (item.error?.kind !== 'busy' || !told.has(job.id)) yield { verb: job.verb, ...item }
          if (item.error?.kind === 'busy') told.add(job.id)
        }
      } catch (error) {
        yield {
          verb: job.verb,
          ref: refOfPath(job.path, job.subject),
          status: 'failed',
          job: job.id,
          error: errorView(error),
        }
      }
    }
    if (ran > 0) continue
    if (once) return
    busy.clear()
    for (let waited = 0; waited < pollMs && !stop.why; waited += 100) await sleep(100)
  }
}
