/** `tblctl sql`: one statement, and behind it the same operations, approvals and reports as the commands. */
import { isAbsolute, resolve } from 'node:path'
import { fail, TblctlError } from '../core/errors.ts'
import type { Subject } from '../core/operation.ts'
import { defaultProject, formatRef, refOfPath, segmentsOf } from '../core/ref.ts'
import { parseStatement } from '../sql/parse.ts'
import type { CreateTable, Statement, TableName } from '../sql/statement.ts'
import { checkUser } from './data.ts'
import { type OperationReport, operate, reportOf } from './operate.ts'
import { provision } from './provision.ts'
import { onlyBackend, registered, subjectOf, tableSubject } from './select.ts'
import { requireBackend, type Session } from './session.ts'
import { type SqlResult, showDescription, showStats, showTables } from './sql-result.ts'

export interface SqlRequest {
  readonly statement: string
  /** What the text is called in errors: `sql`, or its file. */
  readonly source: string
  /** null: the only one that there is. */
  readonly backend: string | null
  /** Of tables whose name says none; null = `default`. */
  readonly project: string | null
  /** Whose rows INSERT, UPDATE and DELETE are about, where rows belong to users. */
  readonly as: string | null
  readonly dryRun: boolean
}

type SqlAnswer = OperationReport | SqlResult

export interface PreparedStatement {
  /** Its answer is a report. */
  readonly changes: boolean
  run(): Promise<SqlAnswer>
}

/** Reads the statement: what is wrong with it is thrown here, before anything is opened. */
export function prepareSql(session: Session, request: SqlRequest): PreparedStatement {
  const statement = parseStatement({ name: request.source, text: request.statement })
  if (request.as !== null && statement.is !== 'mutate')
    throw fail('usage', 'no-user-here', `--as is for INSERT, UPDATE and DELETE, and this is ${wordsOf(statement)}`, {
      hint: 'leave --as out',
    })
  return {
    changes: ['create-table', 'drop-table', 'mutate'].includes(statement.is),
    run: () => runStatement(session, statement, request),
  }
}

async function runStatement(session: Session, statement: Statement, request: SqlRequest): Promise<SqlAnswer> {
  const backend = backendOf(session, request.backend)
  const refOf = ({ project, table }: TableName): string =>
    formatRef({ backend, project: project ?? request.project ?? defaultProject, table })
  switch (statement.is) {
    case 'create-table':
      return createTable(session, statement, refOf(statement.name), request.dryRun)
    case 'drop-table':
      return dropTable(session, refOf(statement.name), statement.ifExists, request.dryRun)
    case 'mutate': {
      const row = await registered(session, refOf(statement.name))
      await checkUser(session, backend, request.as)
      const options = { statement: statement.text, as: request.as }
      return operate(session, 'mutate', [tableSubject(row)], options, { dryRun: request.dryRun })
    }
    case 'show-tables':
      return showTables(session, backend, statement.project ?? request.project)
    case 'describe-table':
      return showDescription(session, await registered(session, refOf(statement.name)))
    case 'table-stats':
      return showStats(session, await registered(session, refOf(statement.name)))
  }
}

function backendOf(session: Session, named: string | null): string {
  const backend = named ?? onlyBackend(session)
  if (backend === undefined)
    throw fail('usage', 'missing-backend', 'sql needs --backend NAME', {
      hint: `backends are ${[...session.config.backends.keys()].join(', ')}`,
    })
  requireBackend(session.config, backend)
  return backend
}

const wordsOf = (statement: Statement): string =>
  statement.is === 'mutate' ? statement.verb : statement.is.replace('-', ' ').toUpperCase()

/** A table that is there is refused, or with IF NOT EXISTS left as it is, whatever the statement says of it. */
async function createTable(
  session: Session,
  { name, ifNotExists, definition, location, settings }: CreateTable,
  ref: string,
  dryRun: boolean,
): Promise<OperationReport> {
  const subject = await subjectOf(session, ref)
  if (subject.spec !== null) {
    if (ifNotExists) {
      await requireThere(session, subject)
      return unchanged(session, 'create', subject.path, dryRun)
    }
    throw fail('refused', 'table-exists', `Table '${name.table}' already exists (${refOfPath(subject.path)})`, {
      hint: 'CREATE TABLE IF NOT EXISTS leaves it as it is',
    })
  }
  const options = { definition, settings, location: location === null ? null : absolute(session, location) }
  return provision(session, 'create', [ref], options, dryRun)
}

/** Registered is not there: the backend may have lost it. */
async function requireThere(session: Session, subject: Subject): Promise<void> {
  const backend = segmentsOf(subject.path).backend
  try {
    await (await session.driver(backend)).describe(subject, session.reading(backend))
  } catch (error) {
    if (!(error instanceof TblctlError) || error.view.kind !== 'missing') throw error
    const ref = refOfPath(subject.path)
    throw fail('refused', 'table-lost', `${ref} is registered, but its backend no longer holds it`, {
      hint: `tblctl unregister ${ref}, then create it again`,
      cause: error,
    })
  }
}

/** Paths count from the folder of tblctl.yaml, as those of its backends do. */
function absolute({ config }: Session, location: string): string {
  const isFile = location.startsWith('file:')
  const path = isFile ? location.slice('file:'.length) : location
  if (isAbsolute(path) || (!isFile && /^[A-Za-z][A-Za-z0-9+.-]*:/.test(path))) return location
  return `${isFile ? 'file:' : ''}${resolve(config.directory, path)}`
}

async function dropTable(session: Session, ref: string, ifExists: boolean, dryRun: boolean): Promise<OperationReport> {
  const subject = await subjectOf(session, ref)
  if (subject.spec === null && ifExists) return unchanged(session, 'drop', subject.path, dryRun)
  return operate(session, 'drop', [tableSubject(await registered(session, ref))], {}, { dryRun })
}

const unchanged = (session: Session, verb: string, path: string, dryRun: boolean): OperationReport =>
  reportOf(session, verb, dryRun, [{ ref: refOfPath(path), status: 'unchanged' }])
