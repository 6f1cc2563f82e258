/** `tblctl doctor`: is everything there that the backends need? Every check as it comes, and a fix for each that fails. */
import type { DoctorCheck } from '../../api/doctor.ts'
import type { Tblctl } from '../../api/open.ts'
import { errorView } from '../../core/errors.ts'
import type { CommandContext, CommandModule } from '../command.ts'
import type { Column } from '../output/view.ts'
import { checkLines } from './doctor/lines.ts'
import { printPolicies } from './doctor/policies.ts'

const columns: readonly Column<DoctorCheck>[] = [
  { name: 'backend', value: (check) => check.backend },
  { name: 'check', value: (check) => check.check },
  { name: 'ok', value: (check) => check.ok },
  { name: 'detail', value: (check) => check.detail },
  { name: 'fix', value: (check) => check.fix },
]

export const command: CommandModule<{ backends: readonly string[] }, { printPolicy?: boolean }> = {
  name: 'doctor',
  summary: 'Check the config and every backend, with a fix for what is broken',
  examples: [
    { command: 'tblctl doctor', does: 'everything; exit code 1 when a check fails' },
    { command: 'tblctl doctor lake -o json', does: 'one backend, for scripts: .items[].ok, .items[].fix' },
    { command: 'tblctl doctor --print-policy', does: 'the least that each backend must allow' },
  ],
  arguments: [{ name: '[backends...]', description: 'only these backends', completes: 'backend' }],
  options: [{ flags: '--print-policy', description: 'print the least privileges that a backend must grant, and stop' }],
  takes: ['config', 'output', 'timeout'],
  async run(context: CommandContext<Tblctl>, { backends }, { printPolicy = false }) {
    if (printPolicy) return printPolicies(context, backends)
    const { global, io } = context
    const checks: DoctorCheck[] = []
    const lines = checkLines(io.stdout.colors, context.env)
    for await (const check of examine(context, backends)) {
      checks.push(check)
      if (global.output === 'table' || global.output === 'wide') await io.stdout.write(lines(check))
      else if (global.output === 'ndjson') await context.print({ is: 'list', kind: 'Doctor', columns, items: [check] })
    }
    const failed = checks.filter((check) => !check.ok)
    const summary = { passed: checks.length - failed.length, failed: failed.length }
    if (['json', 'yaml', 'name', 'csv'].includes(global.output))
      await context.print({ is: 'list', kind: 'Doctor', columns, items: checks, after: { summary }, name: nameOf })
    else if (failed.length > 0 && !global.quiet) io.stderr.say(`${failed.length} of ${checks.length} checks failed`)
    return failed.length > 0 ? 1 : 0
  },
}

const nameOf = ({ backend, check }: DoctorCheck): string => (backend === null ? check : `${backend}/${check}`)

/** A config that is missing or broken is the first thing that a doctor finds. */
async function* examine(context: CommandContext<Tblctl>, backends: readonly string[]): AsyncIterable<DoctorCheck> {
  let tblctl: Tblctl
  try {
    tblctl = await context.api()
  } catch (thrown) {
    const { kind, message, where, hint } = errorView(thrown)
    if (kind !== 'config') throw thrown
    const detail = where === undefined ? message : `${where}: ${message}`
    yield { backend: null, check: 'config', ok: false, detail, fix: hint ?? 'correct the file' }
    return
  }
  yield* backends.length === 0 ? tblctl.doctor() : tblctl.doctor(backends)
}
