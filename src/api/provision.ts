/**
 * A verb on subjects that need not be registered yet: register, create. Two refs at one location would be two leases on one table, so
 * a location that another ref has is refused. Only the catalog knows, so it is done here and not in a driver.
 */
import { createHash } from 'node:crypto'
import type { OperationVerb } from '../core/driver.ts'
import { fail } from '../core/errors.ts'
import type { AnyOperation, Plan, Subject } from '../core/operation.ts'
import { type Path, refOfPath, refOfSubject } from '../core/ref.ts'
import { placeOf } from './location.ts'
import { type OperationReport, operationOf, parseOptions, runWork } from './operate.ts'
import { droppedSubject, subjectOf } from './select.ts'
import type { Session } from './session.ts'

export async function provision(
  session: Session,
  verb: OperationVerb,
  refs: readonly string[],
  rawOptions: object,
  dryRun: boolean,
): Promise<OperationReport> {
  const work = await Promise.all(
    refs.map(async (ref) => {
      const { subject, ...more } = await tableOfProject(session, verb, await subjectOf(session, ref))
      const operation = await operationOf(session, verb, subject)
      const options = parseOptions(session, operation, subject, {
        ...rawOptions,
        // Of projects (tenants) only their tables have a place.
        ...(subject.kind === 'table' ? { location: (await placeOf(session, subject.path, rawOptions)) ?? null } : {}),
        ...more,
      })
      return { verb, operation: alone(session, verb, operation), options, subject }
    }),
  )
  return runWork(session, verb, work, { dryRun })
}

/** Each comes back to where it lay, unless another table was put there. */
export async function undrop(
  session: Session,
  refs: readonly string[],
  id: string | null,
  dryRun: boolean,
): Promise<OperationReport> {
  const work = await Promise.all(
    refs.map(async (ref) => {
      const subject = await droppedSubject(session, ref)
      const operation = await operationOf(session, 'undrop', subject)
      return { verb: 'undrop', operation: alone(session, 'undrop', operation), options: { id }, subject }
    }),
  )
  return runWork(session, 'undrop', work, { dryRun })
}

/** `register PROJECT/`, where the driver says which table of a project that means. */
async function tableOfProject(
  session: Session,
  verb: OperationVerb,
  subject: Subject,
): Promise<{ readonly subject: Subject; readonly orCreate?: string }> {
  if (verb !== 'register' || subject.kind !== 'project') return { subject }
  const { projectTable } = await session.driver(subject.path.split('/')[0]!)
  if (!projectTable) return { subject }
  const path = `${subject.path}/${projectTable.table}`
  const spec = (await session.catalog().table(path))?.spec ?? null
  return { subject: { kind: 'table', path, spec }, orCreate: projectTable.schema }
}

function alone(session: Session, verb: OperationVerb, operation: AnyOperation): AnyOperation {
  return {
    ...operation,
    async plan(subject, options, ctx) {
      const plan: Plan = await operation.plan(subject, options, ctx)
      if (plan.location === undefined) return plan
      await requireFree(session, verb, subject.path, plan.location, chosen(options))
      return { ...plan, leases: [...plan.leases, { path: leaseOf(plan.location), mode: 'exclusive' }] }
    },
    async execute(plan: Plan, ctx) {
      if (plan.location !== undefined)
        await requireFree(session, verb, ctx.subject.path, plan.location, chosen(ctx.options))
      return operation.execute(plan, ctx)
    },
  }
}

/**
 * Held by whoever places a table there: of two processes at once the second finds the first one's row, or is busy. Leases meet on a
 * common path, so places inside one another meet as well.
 */
function leaseOf(location: string): Path {
  const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16)
  return `location/${location.split('/').map(digest).join('/')}`
}

/** Did a person choose the place? Else it follows from the ref. */
const chosen = (options: { location?: unknown }): boolean => typeof options.location === 'string'

async function requireFree(
  session: Session,
  verb: OperationVerb,
  path: Path,
  url: string,
  isChosen: boolean,
): Promise<void> {
  for await (const row of session.catalog().tables()) {
    const there = row.spec.location
    if (there === null || row.path === path) continue
    const taken = (message: string): Error =>
      fail('refused', 'location-taken', message, {
        where: refOfSubject({ path, kind: 'table' }),
        hint: `use ${refOfPath(row.path)}, or tblctl unregister ${refOfPath(row.path)} first`,
      })
    if (there === url) throw taken(`${url} is registered as ${refOfPath(row.path)} already`)
    // Older layouts have a table around the places of all others: those are adopted, and no other ones made.
    if (verb !== 'create' || !isChosen || !isUrl(url)) continue
    if (url.startsWith(`${there}/`)) throw taken(`${url} lies inside ${refOfPath(row.path)}, which is at ${there}`)
    if (there.startsWith(`${url}/`)) throw taken(`${url} lies around ${refOfPath(row.path)}, which is at ${there}`)
  }
}

const isUrl = (location: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(location)
