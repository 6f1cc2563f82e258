/**
 * mutate: one INSERT, UPDATE or DELETE on a user's rows, hot and cold. The locked engine says which rows they become; new versions go into the
 * hot store in one transaction that also names the job, so that it is done once. A delete is soft: the row stays, `_deleted`.
 */
import { createHash } from 'node:crypto'
import type { Batch } from '../../core/batch.ts'
import { fail, TblctlError } from '../../core/errors.ts'
import type { Operation, Plan, RunContext } from '../../core/operation.ts'
import { printable, refOfPath } from '../../core/ref.ts'
import { openEngine } from '../../engine/engine.ts'
import { lockedQuery } from '../../engine/locked-query.ts'
import { mutateOptions } from '../../verbs/options.ts'
import { exactRows } from './exact-values.ts'
import { requireNewKeys } from './new-keys.ts'
import { newVersions, requireTarget, viewName } from './new-versions.ts'
import { openSnapshot } from './snapshot.ts'
import { type Staged, stageRows, writeRows } from './staging.ts'
import { parseStatement, type Statement } from './statement.ts'
import type { HotStore } from './store.ts'
import { findUser, type Home, requireSame, requireTable, type UserTable } from './table.ts'
import { requireUser } from './user.ts'

type Options = ReturnType<typeof mutateOptions.parse>
interface Result {
  readonly rows: number
  readonly statement: Statement['is']
  readonly user: string
}
type Context = RunContext<object, Options>

const keepMs = 30 * 24 * 3_600_000

export function mutate(home: Home): Operation<Options, Plan, Result> {
  const { store } = home
  return {
    options: mutateOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    // Not the statement: it holds people's values, and keys are listed.
    key: ({ as, statement }) => `${verbOf(statement)} ${sha256(JSON.stringify([statement, as])).slice(0, 16)}`,
    async plan(subject, { statement, as }, ctx) {
      const table = requireTable(store, subject.path)
      const name = requireUser(as)
      const parsed = parseStatement(statement)
      requireTarget(parsed, table)
      await using found = await openVersions(home, table, name, parsed, ctx.signal)
      let rows = 0
      for await (const batch of found.batches) rows += batch.rows
      return {
        changes: rows,
        risk: parsed.is === 'insert' ? 'routine' : 'moderate',
        summary: [
          `${parsed.is} ${rows} ${rows === 1 ? 'row' : 'rows'} of user ${printable(name)} in ${refOfPath(subject.path)}`,
        ],
        basis: { table: table.id },
        leases: [{ path: subject.path, mode: 'write' }],
      }
    },
    async execute(plan, ctx) {
      const table = requireTable(store, ctx.subject.path)
      if (table.id !== plan.basis.table) return { is: 'stale', why: 'another table is in its place' }
      const name = requireUser(ctx.options.as)
      const parsed = parseStatement(ctx.options.statement)
      requireTarget(parsed, table)
      const rows = rowsDone(store, table, name, ctx.job.id) ?? (await change(home, table, name, parsed, ctx))
      await ctx.commit({ phase: 'written', state: {} })
      return rows > 0 ? { is: 'changed', result: { rows, statement: parsed.is, user: name } } : { is: 'unchanged' }
    },
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const verbOf = (statement: string): string =>
  /^\s*(insert|update|delete)\b/i.exec(statement)?.[1]?.toLowerCase() ?? 'statement'

/** What an earlier attempt of this job wrote before it was killed. */
function rowsDone(store: HotStore, table: UserTable, name: string, job: string): number | undefined {
  const user = findUser(store, table, name)
  const row = user && store.get('select rows from mutations where user_id = ? and job = ?', user.id, job)
  return row && Number(row.rows)
}

interface Versions extends AsyncDisposable {
  /** The rows as the statement leaves them: the table's columns and, where they are there already, `_key`. */
  readonly batches: AsyncIterable<Batch>
  /** Of the user, when they were read; null where none were. */
  readonly sequence: number | null
}

async function openVersions(
  home: Home,
  table: UserTable,
  name: string,
  statement: Statement,
  signal: AbortSignal,
): Promise<Versions> {
  const { sql, computed } = newVersions(statement, table)
  const scratch = await home.environment.scratch()
  await using open = new AsyncDisposableStack()
  const snapshot = statement.is === 'insert' ? null : open.use(await openSnapshot(home, table, name))
  const columns = [...table.fields.map((field) => field.name), '_updated', '_deleted', '_key']
  const tables = snapshot ? [{ name: viewName(table), select: snapshot.rows(columns), files: snapshot.files }] : []
  const query = { tables, sql, scratch, signal, ...(snapshot ? { copies: snapshot.copies } : {}) }
  const rows = open.use(await lockedQuery(query).catch((error) => Promise.reject(withoutPlace(error))))
  const batches = exactRows(rows.batches, table.fields, computed, table.fields.length + (snapshot ? 1 : 0))
  const kept = open.move()
  const sequence = snapshot ? (snapshot.user?.sequence ?? 0) : null
  return { batches, sequence, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

/** A place in the SELECT that was made of the statement would be none in the statement. */
function withoutPlace(thrown: unknown): unknown {
  if (!(thrown instanceof TblctlError) || thrown.view.code !== 'bad-query') return thrown
  const { kind, code, message, hint } = thrown.view
  return fail(kind, code, message, { cause: thrown, ...(hint === undefined ? {} : { hint }) })
}

/** Again and again until no other writer of the user came in between. */
async function change(home: Home, table: UserTable, name: string, statement: Statement, ctx: Context): Promise<number> {
  for (;;) {
    ctx.signal.throwIfAborted()
    await using found = await openVersions(home, table, name, statement, ctx.signal)
    using staged = await stageRows(home, table, found.batches, () => ctx.now(), {
      keyed: statement.is !== 'insert',
    })
    const sequence = statement.is === 'insert' ? await newKeysAt(home, table, name, staged, ctx) : found.sequence
    if (write(home, table, name, statement, staged, sequence, ctx)) return staged.rows
  }
}

async function newKeysAt(home: Home, table: UserTable, name: string, staged: Staged, ctx: Context) {
  await using engine = await openEngine({ scratch: await home.environment.scratch(), signal: ctx.signal })
  return await requireNewKeys(home, table, name, staged, engine)
}

function write(
  { store }: Home,
  table: UserTable,
  name: string,
  statement: Statement,
  staged: Staged,
  sequence: number | null,
  ctx: Context,
): boolean {
  const live = { insert: 1, update: 0, delete: -1 } as const
  return store.write('mutate', () => {
    requireSame(store, table)
    const now = ctx.now()
    const how = { sequence, deleted: statement.is === 'delete', live: live[statement.is], now }
    const written = writeRows(store, table, name, staged, how)
    if (!written) return false
    const at = now.getTime()
    store.run('delete from mutations where user_id = ? and at < ?', written.user.id, at - keepMs)
    store.run(
      'insert into mutations (user_id, job, rows, at) values (?, ?, ?, ?)',
      written.user.id,
      ctx.job.id,
      staged.rows,
      at,
    )
    return true
  })
}
