/** worker: wakes what is due (queued jobs, and waiting ones whose time has come), until told to stop, or once. */
import { setTimeout as sleep } from 'node:timers/promises'
import { errorView } from '../core/errors.ts'
import type { ReportItem } from '../core/host.ts'
import { refOfPath } from '../core/ref.ts'
import { runJob } from './jobs.ts'
import type { Session } from './session.ts'

/** Yields an item per job that it ran. `once`: returns when nothing is due. A job that another worker took is passed over. */
export async function* work(
  session: Session,
  { once, pollMs = 1000 }: { once: boolean; pollMs?: number },
): AsyncIterable<ReportItem> {
  const { stop } = session.host()
  const tried = new Map<string, number>()
  while (!stop.why) {
    let ran = 0
    for await (const job of session.catalog().jobs({ due: true })) {
      if (stop.why) return
      // One that failed here is not tried again at once by the same worker.
      if (job.live || tried.get(job.id) === job.attempts) continue
      tried.set(job.id, job.attempts + 1)
      ran++
      try {
        yield* (await runJob(session, job)).items
      } catch (error) {
        yield { ref: refOfPath(job.path, job.subject), status: 'failed', job: job.id, error: errorView(error) }
      }
    }
    if (ran > 0) continue
    if (once) return
    for (let waited = 0; waited < pollMs && !stop.why; waited += 100) await sleep(100)
  }
}
