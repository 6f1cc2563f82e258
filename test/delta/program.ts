/** One verb in a process of its own, for kills, races and limits. argv[2]: the call as JSON. Prints the report's item. */
import { fileURLToPath } from 'node:url'
import type { OperationVerb } from '../../src/core/driver.ts'
import { errorView, exitCodes } from '../../src/core/errors.ts'
import type { ReportItem } from '../../src/core/host.ts'
import { type Ended, runChild } from '../support/child.ts'
import { openIn } from '../support/open.ts'
import { create, type LoadWith, loadInto, optimize } from './world.ts'

export type Call =
  | { readonly verb: 'create'; readonly ref: string; readonly schema: string }
  | { readonly verb: 'load'; readonly ref: string; readonly inputs: readonly string[]; readonly more?: LoadWith }
  | { readonly verb: 'optimize'; readonly ref: string; readonly targetSize?: number }
  | { readonly verb: 'operate'; readonly name: OperationVerb; readonly ref: string; readonly options: object }
  | { readonly verb: 'provision'; readonly name: OperationVerb; readonly ref: string; readonly options: object }

/** In the folder of a config. The exit code is the command line's. */
export function run(folder: string, call: Call, env: Record<string, string> = {}): Promise<Ended> {
  return runChild(fileURLToPath(import.meta.url), [JSON.stringify(call)], { cwd: folder, env })
}
export const itemOf = (ended: Ended): ReportItem => JSON.parse(ended.stdout) as ReportItem

async function answer(call: Call, directory: string): Promise<ReportItem> {
  await using tblctl = await openIn(directory)
  switch (call.verb) {
    case 'create':
      return await create(tblctl, call.ref, call.schema)
    case 'load':
      return await loadInto(tblctl, directory, call.ref, call.inputs, call.more)
    case 'optimize':
      return await optimize(tblctl, call.ref, call.targetSize ?? null)
    case 'operate':
      return (await tblctl.operate(call.name, { refs: [call.ref] }, call.options)).items[0]!
    case 'provision':
      return (await tblctl.provision(call.name, [call.ref], call.options)).items[0]!
  }
}

if (import.meta.main) {
  let item: ReportItem
  try {
    item = await answer(JSON.parse(process.argv[2]!) as Call, process.cwd())
  } catch (error) {
    item = { ref: '', status: 'failed', error: errorView(error) }
  }
  process.stdout.write(JSON.stringify(item))
  if (item.error) process.exitCode = exitCodes[item.error.kind]
}
