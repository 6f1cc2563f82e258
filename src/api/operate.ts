/** Every verb that changes something goes through here: subjects and raw options in, an OperationReport out. */
import type { OperationVerb, Verb } from '../core/driver.ts'
import { errorView, fail } from '../core/errors.ts'
import type { ReportItem } from '../core/host.ts'
import type { AnyOperation, Subject } from '../core/operation.ts'
import type { Path } from '../core/ref.ts'
import { printable, refOfSubject, segmentsOf } from '../core/ref.ts'
import { runOperations } from '../core/run/runner.ts'
import type { Work } from '../core/run/work.ts'
import { driverKinds, loadDriver } from '../drivers/registry.ts'
import type { Session } from './session.ts'

export interface OperationReport {
  readonly kind: 'OperationReport'
  readonly verb: string
  readonly dryRun: boolean
  readonly run: string
  readonly items: readonly ReportItem[]
  readonly summary: Readonly<Record<ReportItem['status'], number>>
}

export interface OperateOptions {
  readonly dryRun?: boolean
  readonly input?: AsyncIterable<Uint8Array>
  /** Id of the last done job per path when the work was found due. */
  readonly ifLast?: ReadonlyMap<Path, string | null>
}

/** `rawOptions` are checked by each driver's own operation: what it does not know is a usage error. */
export async function operate(
  session: Session,
  verb: OperationVerb,
  subjects: readonly Subject[],
  rawOptions: object,
  how: OperateOptions = {},
): Promise<OperationReport> {
  const prepared = await Promise.allSettled(
    subjects.map(async (subject): Promise<Work> => {
      const operation = await operationOf(session, verb, subject)
      return { verb, operation, options: parseOptions(session, operation, subject, rawOptions), subject }
    }),
  )
  const work = prepared.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const refused = prepared.find((one) => one.status === 'rejected')
  if (work.length === 0 && refused) throw refused.reason
  const report = await runWork(session, verb, work, how)
  if (!refused) return report
  // A backend that cannot be opened does not keep the tables of the others from being worked on.
  const done = report.items.values()
  const items = prepared.map(
    (one, i): ReportItem =>
      one.status === 'fulfilled'
        ? done.next().value!
        : { ref: refOfSubject(subjects[i]!), status: 'failed', error: errorView(one.reason) },
  )
  return reportOf(session, verb, report.dryRun, items)
}

export async function runWork(
  session: Session,
  verb: string,
  work: readonly Work[],
  { dryRun = false, input, ifLast }: OperateOptions,
): Promise<OperationReport> {
  const items = await runOperations(session.host(), {
    work,
    dryRun,
    ...(input ? { input } : {}),
    ...(ifLast ? { ifLast } : {}),
  })
  return reportOf(session, verb, dryRun, items)
}

export function reportOf(
  session: Session,
  verb: string,
  dryRun: boolean,
  items: readonly ReportItem[],
): OperationReport {
  const summary = { changed: 0, unchanged: 0, failed: 0, skipped: 0 }
  for (const item of items) summary[item.status]++
  return { kind: 'OperationReport', verb, dryRun, run: session.host().run, items, summary }
}

export async function operationOf(session: Session, verb: OperationVerb, subject: Subject): Promise<AnyOperation> {
  const driver = await session.driver(segmentsOf(subject.path).backend)
  const operation = driver.can[verb] as AnyOperation | undefined
  if (!operation) throw await unsupported(verb, driver.kind, refOfSubject(subject))
  return operation
}

/** The one place that refuses what a driver cannot do. */
export async function unsupported(verb: Verb, kind: string, ref: string): Promise<Error> {
  const able: string[] = []
  for (const name of driverKinds) {
    const module = await loadDriver(name)
    if (module.can.includes(verb)) able.push(name)
  }
  return fail('unsupported', 'unsupported-verb', `the driver ${kind} of ${ref} cannot ${verb.replace('.', ' ')}`, {
    hint: able.length > 0 ? `drivers that can: ${able.join(', ')}` : 'tblctl drivers',
  })
}

/** zod's issues in our words: the verb's options come from flags, so a bad one is a usage error. */
export function parseOptions(session: Session, operation: AnyOperation, subject: Subject, raw: object): object {
  try {
    return operation.options.parse(raw)
  } catch (error) {
    const issues = (error as { issues?: readonly OptionIssue[] }).issues
    if (!issues) throw error
    throw fail('usage', 'bad-option', issues.map((issue) => issueText(issue, ownerOf(session, subject))).join('; '))
  }
}

/** Whose option it would be. */
function ownerOf({ config }: Session, { path, kind }: Subject): string {
  const { backend } = segmentsOf(path)
  const driver = config.backends.get(backend)?.driver
  return `${kind === 'project' ? 'projects' : 'tables'} of backend ${backend}${driver === undefined ? '' : ` (${driver})`}`
}

interface OptionIssue {
  readonly code: string
  readonly path: readonly PropertyKey[]
  readonly keys?: readonly string[]
  readonly minimum?: number | bigint
  readonly maximum?: number | bigint
  readonly inclusive?: boolean
  /** `number`, `string`, `array` … */
  readonly origin?: string
  /** What a check of ours says. */
  readonly message?: string
}

/** `targetSize` → `--target-size`, as it is typed. */
const flagOf = (name: PropertyKey | undefined): string =>
  name === undefined ? 'the options' : `--${printable(String(name)).replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`

function issueText(
  { code, path, keys, minimum, maximum, inclusive = true, origin, message }: OptionIssue,
  owner: string,
): string {
  const flag = flagOf(path[0])
  const counted = origin === 'string' ? ' characters' : origin === 'array' ? ' items' : ''
  if (code === 'unrecognized_keys') return `${owner} have no option ${(keys ?? []).map(flagOf).join(' or ')}`
  if (code === 'too_small') return `${flag} must be ${inclusive ? 'at least' : 'more than'} ${minimum}${counted}`
  if (code === 'too_big') return `${flag} must be ${inclusive ? 'at most' : 'less than'} ${maximum}${counted}`
  if (code === 'custom' && message) return `${flag}: ${message}`
  return `${flag} is missing or does not fit`
}
