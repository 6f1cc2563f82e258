/**
 * A verb on subjects that need not be registered yet: register, create. Two refs at one location would be two leases on one table, so
 * a location that another ref has is refused. Only the catalog knows, so it is done here and not in a driver.
 */
import { createHash } from 'node:crypto'
import type { OperationVerb } from '../core/driver.ts'
import { fail } from '../core/errors.ts'
import type { AnyOperation, Plan, Subject } from '../core/operation.ts'
import { type Path, refOfPath, refOfSubject } from '../core/ref.ts'
import { type OperationReport, operationOf, parseOptions, runWork } from './operate.ts'
import { subjectOf } from './select.ts'
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
      const options = parseOptions(operation, { ...rawOptions, ...more })
      return { verb, operation: alone(session, operation), options, subject }
    }),
  )
  return runWork(session, verb, work, { dryRun })
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

function alone(session: Session, operation: AnyOperation): AnyOperation {
  return {
    ...operation,
    async plan(subject, options, ctx) {
      const plan: Plan = await operation.plan(subject, options, ctx)
      if (plan.location === undefined) return plan
      await requireFree(session, subject.path, plan.location)
      // Held by whoever places a table there: of two processes at once the second finds the first one's row, or is busy.
      const path = `location/${createHash('sha256').update(plan.location).digest('hex').slice(0, 16)}`
      return { ...plan, leases: [...plan.leases, { path, mode: 'exclusive' }] }
    },
    async execute(plan: Plan, ctx) {
      if (plan.location !== undefined) await requireFree(session, ctx.subject.path, plan.location)
      return operation.execute(plan, ctx)
    },
  }
}

async function requireFree(session: Session, path: Path, url: string): Promise<void> {
  for await (const row of session.catalog().tables())
    if (row.spec.location === url && row.path !== path)
      throw fail('refused', 'location-taken', `${url} is registered as ${refOfPath(row.path)} already`, {
        where: refOfSubject({ path, kind: 'table' }),
        hint: `use ${refOfPath(row.path)}, or tblctl unregister ${refOfPath(row.path)} first`,
      })
}
