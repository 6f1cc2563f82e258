/** load, query, export: rows in and out. */
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import type { RowFormat, Rows } from '../core/batch.ts'
import type { ExportOptions, LoadMode, PointInTime } from '../core/driver.ts'
import { fail, Stopped } from '../core/errors.ts'
import type { StopSource } from '../core/host.ts'
import { printable, segmentsOf } from '../core/ref.ts'
import { type OperationReport, operate, unsupported } from './operate.ts'
import { requireOutsideLogs } from './output-file.ts'
import { registered, tableSubject } from './select.ts'
import type { Session } from './session.ts'

export interface LoadRequest {
  readonly ref: string
  /** Relative to `directory`; `-` is standard input. */
  readonly inputs: readonly string[]
  readonly directory: string
  /** null: by the file's ending; standard input is NDJSON. */
  readonly format: RowFormat | null
  /** null: the hash of the files' names and contents; standard input is a batch of its own. */
  readonly batchId: string | null
  readonly again: boolean
  readonly commitRows: number | null
  readonly commitBytes: number | null
  readonly commitMs: number | null
  readonly rejectTo: string | null
  /** Whose rows they are, where rows belong to users. */
  readonly as?: string | null
  /** Only what was said: what a driver does not know, it refuses. */
  readonly how?: LoadMode
  readonly input: AsyncIterable<Uint8Array>
  readonly dryRun: boolean
}

const formatsByEnding: Readonly<Record<string, RowFormat>> = {
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
  '.json': 'ndjson',
  '.csv': 'csv',
  '.parquet': 'parquet',
}

export async function loadRows(session: Session, request: LoadRequest): Promise<OperationReport> {
  if (request.inputs.length === 0)
    throw fail('usage', 'no-input', 'no file to load is named', { hint: 'name files, or - for standard input' })
  if (request.inputs.includes('-') && request.inputs.length > 1)
    throw fail('usage', 'bad-input', 'standard input (-) cannot be mixed with files')
  const row = await registered(session, request.ref)
  await checkUser(session, segmentsOf(row.path).backend, request.as ?? null)
  const stdin = request.inputs[0] === '-'
  if (!stdin) for (const input of request.inputs) await requireFile(resolve(request.directory, input))
  const rejectTo = request.rejectTo === null ? null : resolve(request.directory, request.rejectTo)
  if (rejectTo !== null) await requireOutsideLogs(rejectTo, '--reject-to')
  const inputs = stdin
    ? [{ path: null, format: request.format ?? 'ndjson' }]
    : request.inputs.map((input) => {
        const path = resolve(request.directory, input)
        return { path, format: request.format ?? formatOf(path) }
      })
  const named =
    request.batchId ??
    (stdin ? `stdin-${randomUUID()}` : await contentId(inputs as readonly { path: string }[], session.host().stop))
  const options = {
    inputs,
    batchId: request.again ? `${named}-again-${randomUUID()}` : named,
    commitRows: request.commitRows,
    commitBytes: request.commitBytes,
    commitMs: request.commitMs,
    rejectTo,
    as: request.as ?? null,
    ...request.how,
  }
  return operate(session, 'load', [tableSubject(row)], options, {
    dryRun: request.dryRun,
    ...(stdin ? { input: request.input } : {}),
  })
}

/** Rows of a user where rows belong to users, and nowhere else: an `as` that nobody obeys would look like isolation. */
export async function checkUser(session: Session, backend: string, as: string | null): Promise<void> {
  const { kind, traits } = await session.module(backend)
  if (traits.users === (as !== null)) return
  throw as === null
    ? fail('usage', 'missing-user', `tables of backend ${backend} hold rows of users: whose?`, {
        hint: 'add --as USER',
      })
    : fail('usage', 'no-users', `tables of backend ${backend} (${kind}) do not belong to users`, {
        hint: 'leave --as out',
      })
}

/** A load reads its files twice, and a pipe gives its rows only once: it is no file, whatever its name. */
async function requireFile(path: string): Promise<void> {
  const there = await stat(path).catch((cause: unknown) => {
    throw unreadable(path, cause)
  })
  if (there.isDirectory()) throw unreadable(path, { code: 'EISDIR' })
  if (!there.isFile())
    throw fail('usage', 'not-a-file', `${printable(path)} is no regular file`, { hint: 'use - and a pipe' })
}

/** By the file's ending; a usage error when it tells nothing. */
export function formatOf(input: string): RowFormat {
  const format = formatsByEnding[extname(input).toLowerCase()]
  if (!format && !existsSync(input)) throw unreadable(input, { code: 'ENOENT' })
  if (!format)
    throw fail('usage', 'unknown-format', `the format of ${printable(input)} cannot be told from its ending`, {
      hint: 'use --format ndjson, csv or parquet',
    })
  return format
}

/** The same bytes in the same order are the same batch, wherever the files lie. */
async function contentId(inputs: readonly { readonly path: string }[], stop: StopSource): Promise<string> {
  const all = createHash('sha256')
  for (const { path } of inputs) {
    const one = createHash('sha256')
    try {
      for await (const bytes of createReadStream(path)) {
        if (stop.why !== null) throw new Stopped(stop.why)
        one.update(bytes as Uint8Array)
      }
    } catch (cause) {
      if (cause instanceof Stopped) throw cause
      throw unreadable(path, cause)
    }
    all.update(one.digest())
  }
  return `sha256-${all.digest('hex').slice(0, 40)}`
}

function unreadable(path: string, cause: unknown): Error {
  const code = (cause as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return fail('missing', 'file-not-found', `there is no file ${printable(path)}`, { cause })
  if (code === 'EISDIR')
    return fail('usage', 'bad-input', `${printable(path)} is a folder`, { hint: 'name its files', cause })
  if (code === 'EACCES' || code === 'EPERM')
    return fail('denied', 'file-denied', `${printable(path)} may not be read`, { cause })
  return fail('failed', 'file-unreadable', `${printable(path)} cannot be read (${code ?? 'unknown error'})`, { cause })
}

/** Who asks, and as of when. */
export interface ReadingAs {
  readonly as?: string | null
  readonly at?: PointInTime | null
}

/** An earlier state is refused where there is none: what is there now would look like it. */
export async function checkTravel(session: Session, backend: string, at: PointInTime | null): Promise<void> {
  const { kind, traits } = await session.module(backend)
  if (at === null || traits.travel) return
  throw fail('usage', 'no-versions', `tables of backend ${backend} (${kind}) have no earlier versions to read`, {
    hint: 'leave --version and --timestamp out',
  })
}

/** The table is visible as `t`. Dispose the rows when you stop early. */
export async function queryTable(
  session: Session,
  ref: string,
  sql: string,
  { as = null, at = null }: ReadingAs,
): Promise<Rows> {
  const row = await registered(session, ref)
  const { backend } = segmentsOf(row.path)
  await checkUser(session, backend, as)
  await checkTravel(session, backend, at)
  const driver = await session.driver(backend)
  if (!driver.can.query) throw await unsupported('query', driver.kind, ref)
  return driver.can.query.query([{ name: 't', table: tableSubject(row) }], sql, { as, at }, session.reading(backend))
}

export async function exportTable(
  session: Session,
  ref: string,
  options: ExportOptions,
  { as = null, at = null }: ReadingAs,
): Promise<{ rows: number; bytes: number }> {
  await requireOutsideLogs(options.out, '--out')
  const row = await registered(session, ref)
  const { backend } = segmentsOf(row.path)
  await checkUser(session, backend, as)
  await checkTravel(session, backend, at)
  const driver = await session.driver(backend)
  if (!driver.can.export) throw await unsupported('export', driver.kind, ref)
  return driver.can.export.export(tableSubject(row), { ...options, as, at }, session.reading(backend))
}
