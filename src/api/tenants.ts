/** Tenants: projects of a backend that keeps them apart. A tenant is written `ch:t1`, or its id is given: any text. */
import type { OperationVerb, Tenant, Verb } from '../core/driver.ts'
import { type ErrorView, errorView, fail } from '../core/errors.ts'
import type { JsonObject } from '../core/json.ts'
import type { Subject } from '../core/operation.ts'
import { idOfSegment, isProjectRef, printable, refOfSubject, segmentOfId, segmentsOf } from '../core/ref.ts'
import type { Work } from '../core/run/work.ts'
import { type OperationReport, operationOf, parseOptions, runWork, unsupported } from './operate.ts'
import { subjectOf } from './select.ts'
import { requireBackend, type Session } from './session.ts'

export interface TenantChoice {
  /** `ch:t1`, `ch:t1/`, or `t1` where there is one backend. */
  readonly refs: readonly string[]
  readonly ids: readonly string[]
  /** Of the ids, and of refs that name none. */
  readonly backend: string | null
}

export interface TenantItem extends Tenant {
  readonly ref: string
  readonly backend: string
}
export interface TenantList {
  readonly items: readonly TenantItem[]
  readonly errors: readonly { readonly backend: string; readonly error: ErrorView }[]
}
export type TenantView = TenantItem & { readonly objects: readonly JsonObject[] }

/** An operation on tenants, each once; `tenant.create` is told the id where the ref does not say it. */
export async function operateTenants(
  session: Session,
  verb: OperationVerb,
  choice: TenantChoice,
  rawOptions: object,
  dryRun: boolean,
): Promise<OperationReport> {
  const subjects = await tenantSubjects(session, choice)
  const work = await Promise.all(
    subjects.map(async ({ subject, id }): Promise<Work> => {
      const operation = await operationOf(session, verb, subject)
      const raw = verb === 'tenant.create' ? { ...rawOptions, id } : rawOptions
      return { verb, operation, options: parseOptions(session, operation, subject, raw), subject }
    }),
  )
  return runWork(session, verb, work, { dryRun })
}

/** Of one backend, or of every backend that has tenants. A backend that cannot be asked hides no other. */
export async function listTenants(session: Session, backend: string | null): Promise<TenantList> {
  const backends = backend === null ? [...session.config.backends.keys()] : [backend]
  const items: TenantItem[] = []
  const errors: { backend: string; error: ErrorView }[] = []
  for (const name of backends) {
    const { kind, can } = await session.module(name)
    if (!can.includes('tenant.list')) {
      if (backend !== null) throw await unsupported('tenant.list', kind, backend)
      continue
    }
    try {
      const driver = await session.driver(name)
      for await (const tenant of driver.can['tenant.list']!.list(session.reading(name)))
        items.push(itemOf(name, tenant))
    } catch (error) {
      if (backend !== null) throw error
      errors.push({ backend: name, error: errorView(error) })
    }
  }
  return { items: items.sort((a, b) => (a.ref < b.ref ? -1 : 1)), errors }
}

export async function describeTenant(session: Session, choice: TenantChoice): Promise<TenantView> {
  const [one, ...more] = await tenantSubjects(session, choice)
  if (one === undefined || more.length > 0) throw fail('usage', 'one-tenant', 'describe takes one tenant')
  const { backend } = segmentsOf(one.subject.path)
  const driver = await session.driver(backend)
  const verb: Verb = 'tenant.describe'
  const can = driver.can[verb]
  if (!can) throw await unsupported(verb, driver.kind, refOfSubject(one.subject))
  const tenant = await can.describe(one.subject, session.reading(backend))
  return { ...itemOf(backend, tenant), objects: tenant.objects }
}

function itemOf(backend: string, tenant: Tenant): TenantItem {
  const { project, id, schemaSet, state, tables, rows, bytes, retention } = tenant
  return { ref: `${backend}:${project}/`, backend, project, id, schemaSet, state, tables, rows, bytes, retention }
}

async function tenantSubjects(
  session: Session,
  { refs, ids, backend }: TenantChoice,
): Promise<{ subject: Subject; id: string | null }[]> {
  if (refs.length === 0 && ids.length === 0)
    throw fail('usage', 'empty-choice', 'no tenant is chosen', {
      hint: 'name tenants (ch:t1), or use --tenant-id TEXT --backend NAME',
    })
  if (backend !== null) requireBackend(session.config, backend)
  const place = (text: string): string => (backend === null || text.includes(':') ? text : `${backend}:${text}`)
  const found = new Map<string, { subject: Subject; id: string | null }>()
  for (const ref of refs) {
    const subject = await tenantOfRef(session, place(ref))
    found.set(subject.path, { subject, id: null })
  }
  for (const id of ids) {
    const name = `${segmentOfId(id)}/`
    const subject = await subjectOf(session, backend === null ? name : `${backend}:${name}`)
    found.set(subject.path, { subject, id })
  }
  return [...found.values()]
}

async function tenantOfRef(session: Session, ref: string): Promise<Subject> {
  if (!isProjectRef(ref) && ref.includes('/'))
    throw fail('usage', 'bad-ref', `"${printable(ref)}" names a table; a tenant is written BACKEND:TENANT`)
  const subject = await subjectOf(session, isProjectRef(ref) ? ref : `${ref}/`)
  const { project } = segmentsOf(subject.path)
  // `_x6162` would be shown as the id "ab", which has a name of its own.
  if (segmentOfId(idOfSegment(project)) === project) return subject
  throw fail('usage', 'bad-ref', `"${printable(ref)}" is the name of no tenant`, {
    hint: 'give its id: --tenant-id TEXT --backend NAME',
  })
}
