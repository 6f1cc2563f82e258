/** A verb in a loop, in a process of its own, until the file `until` is there. argv[2]: what to do, as JSON. Prints the reports' items. */
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { OperationVerb } from '../../src/core/driver.ts'
import { errorView } from '../../src/core/errors.ts'
import type { ReportItem } from '../../src/core/host.ts'
import { runChild } from '../support/child.ts'
import { openIn } from '../support/open.ts'

export interface Loop {
  readonly verb: OperationVerb
  readonly ref: string
  readonly options: object
  readonly until: string
}

/** In the folder of a config. */
export async function loop(folder: string, what: Loop): Promise<readonly ReportItem[]> {
  const { code, stdout, stderr } = await runChild(fileURLToPath(import.meta.url), [JSON.stringify(what)], {
    cwd: folder,
  })
  if (code !== 0) throw new Error(`${what.verb} ended with ${code}:\n${stdout}${stderr}`)
  return JSON.parse(stdout) as ReportItem[]
}

if (import.meta.main) {
  const { verb, ref, options, until } = JSON.parse(process.argv[2]!) as Loop
  const items: ReportItem[] = []
  await using tblctl = await openIn(process.cwd(), { lockTimeoutMs: 60_000 })
  do {
    try {
      items.push(...(await tblctl.operate(verb, { refs: [ref] }, options)).items)
    } catch (error) {
      items.push({ ref, status: 'failed', error: errorView(error) })
    }
    await sleep(50)
  } while (!existsSync(until))
  process.stdout.write(JSON.stringify(items))
}
