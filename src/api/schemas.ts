/** Table schemas without a backend: looked up by name or file, checked, compared, inferred, exported. They work without a tblctl.yaml. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { writeWhole } from '../config/files.ts'
import type { RowFormat } from '../core/batch.ts'
import type { Change } from '../core/change.ts'
import { type ErrorView, errorView, fail } from '../core/errors.ts'
import { outputTarget } from '../core/files.ts'
import type { JsonObject } from '../core/json.ts'
import { isSegment, printable } from '../core/ref.ts'
import { didYouMean } from '../core/suggest.ts'
import type { TableSchema } from '../core/table-schema.ts'
import { type Field, formatType } from '../core/types.ts'
import { driverKinds, loadDriver } from '../drivers/registry.ts'
import { openRegistry, type Registry } from '../schemas/registry.ts'
import { formatOf } from './data.ts'

/** Only those that ship: where no tblctl.yaml names folders. */
export const shippedSchemas = (): Registry => openRegistry([])

/** A name of the registry, or a file: what has a slash or ends in .yaml is one. */
export async function findSchema(registry: Registry, text: string, directory: string): Promise<TableSchema> {
  return /\/|\.ya?ml$/.test(text) ? readSchemaFile(text, directory) : registry.get(text)
}

async function readSchemaFile(path: string, directory: string): Promise<TableSchema> {
  const text = await readFile(resolve(directory, path), 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT')
      throw fail('missing', 'file-not-found', `there is no file ${printable(path)}`, { cause })
    const kind = ['EACCES', 'EPERM'].includes(cause.code ?? '') ? 'denied' : 'failed'
    throw fail(kind, 'file-unreadable', `${printable(path)} cannot be read (${cause.code})`, { cause })
  })
  const { readTableSchema } = await import('../schemas/read.ts')
  return readTableSchema(text, printable(path))
}

export interface Validation {
  readonly file: string
  readonly valid: boolean
  /** null: not valid. */
  readonly schema: string | null
  readonly columns: number | null
  readonly error: ErrorView | null
}

export async function validateSchemaFile(file: string, directory: string): Promise<Validation> {
  try {
    const { name, fields } = await readSchemaFile(file, directory)
    return { file, valid: true, schema: name, columns: fields.length, error: null }
  } catch (thrown) {
    const error = errorView(thrown)
    if (error.kind === 'bug') throw thrown
    return { file, valid: false, schema: null, columns: null, error }
  }
}

export async function compareSchemas(from: TableSchema, to: TableSchema): Promise<readonly Change[]> {
  const { diffSchemas } = await import('../schemas/diff.ts')
  return diffSchemas(from, to)
}

/** Types as their text, so that machine output reads as the YAML does. */
export function schemaObject(schema: TableSchema): JsonObject {
  return { ...(schema as unknown as JsonObject), fields: schema.fields.map(fieldObject) }
}
export const fieldObject = ({ name, type, nullable, description }: Field): JsonObject => ({
  name,
  type: formatType(type),
  nullable,
  ...(description === undefined ? {} : { description }),
})

export interface InferRequest {
  readonly files: readonly string[]
  readonly directory: string
  /** null: by the files' endings. */
  readonly format: RowFormat | null
  /** null: after the first file. */
  readonly name: string | null
  readonly signal: AbortSignal
}

/** YAML of a table schema that holds the rows of the files. Throws `data` errors that name the file. */
export async function inferSchema(request: InferRequest): Promise<string> {
  const { files, directory, signal } = request
  const formats = new Set(files.map((file) => request.format ?? formatOf(resolve(directory, file))))
  if (formats.size > 1)
    throw fail('usage', 'mixed-formats', `the files have several formats: ${[...formats].join(', ')}`, {
      hint: 'infer from files of one format at a time',
    })
  const name = request.name ?? nameAfter(files[0]!)
  if (!isSegment(name))
    throw fail('usage', 'bad-schema-name', `"${printable(name)}" is no name of a table schema`, {
      hint: 'letters, digits, "_", "." and "-"; give one with --name',
    })
  const [{ openEngine }, { inferFields }] = await Promise.all([
    import('../engine/engine.ts'),
    import('../engine/infer.ts'),
  ])
  const scratch = await mkdtemp(join(tmpdir(), 'tblctl-infer-'))
  try {
    await using engine = await openEngine({ scratch, signal })
    const paths = files.map((file) => resolve(directory, file))
    return await schemaText(name, await inferFields(engine, paths, [...formats][0]!))
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Read back before it is shown: what is printed here can be used as it is. */
async function schemaText(name: string, fields: readonly Field[]): Promise<string> {
  const [{ writeTableSchema }, { readTableSchema }] = await Promise.all([
    import('../schemas/write.ts'),
    import('../schemas/read.ts'),
  ])
  const usualTimeColumn = fields.find(
    ({ name, type }) => name === 'timestamp' && (type.kind === 'Timestamp' || type.kind === 'Date32'),
  )
  const text = writeTableSchema({ ...empty, name, fields, timeColumn: usualTimeColumn?.name ?? null })
  try {
    readTableSchema(text, name)
  } catch (thrown) {
    const { message } = errorView(thrown)
    throw fail('data', 'bad-columns', `the columns of the input make no table schema: ${message}`, { cause: thrown })
  }
  return text
}

const empty: Omit<TableSchema, 'name' | 'fields' | 'timeColumn'> = {
  version: 1,
  description: null,
  partitions: [],
  sortingColumns: [],
  zOrderColumns: [],
  primaryKey: [],
  retention: null,
  dedupKeys: [],
  dedupTiebreak: null,
  tombstoneColumn: null,
  versionAppend: false,
  extensions: {},
}

function nameAfter(file: string): string {
  const stem = basename(file).replace(/\.[^.]*$/, '')
  return stem.replace(/[^A-Za-z0-9_.-]/g, '_').replace(/^[.-]/, '_')
}

type Writer = (schema: TableSchema) => Promise<string>

const ownFormats: Readonly<Record<string, Writer>> = {
  yaml: async (schema) => (await import('../schemas/write.ts')).writeTableSchema(schema),
  'json-schema': async (schema) =>
    `${JSON.stringify((await import('../schemas/export.ts')).toJsonSchema(schema), null, 2)}\n`,
  sql: async (schema) => (await import('../schemas/export.ts')).toSqlDdl(schema),
}

/** In our own formats, or in one that a driver brings. Throws a usage error with a suggestion. */
export async function exportSchema(schema: TableSchema, format: string): Promise<string> {
  const writers = new Map(Object.entries(ownFormats))
  for (const kind of driverKinds)
    for (const [name, write] of Object.entries((await loadDriver(kind)).schemaFormats ?? {})) writers.set(name, write)
  const write = writers.get(format)
  if (write === undefined) {
    const names = [...writers.keys()]
    const near = didYouMean(format, names)
    throw fail('usage', 'unknown-format', `"${printable(format)}" is no format of a table schema`, {
      hint: near === undefined ? `formats are ${names.join(', ')}` : `did you mean ${near}?`,
    })
  }
  const text = await write(schema)
  return text.endsWith('\n') ? text : `${text}\n`
}

/** Whole or not at all; a file that is there is replaced. */
export async function writeExport(path: string, text: string, directory: string): Promise<void> {
  await writeWhole(outputTarget(resolve(directory, path)), text, { mode: 0o644, step: 'schema.export' }).catch(
    (cause: NodeJS.ErrnoException) => {
      throw fail('failed', 'file-not-written', `${printable(path)} cannot be written (${cause.code})`, { cause })
    },
  )
}
