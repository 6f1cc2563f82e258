/**
 * The table schemas that can be named: those that ship and those of the user's folders. A file holds the schema of its own name
 * (`metrics.yaml` → `metrics`), so one is found without reading the others.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ErrorView, errorView, fail } from '../core/errors.ts'
import { printable } from '../core/ref.ts'
import { didYouMean } from '../core/suggest.ts'
import type { TableSchema } from '../core/table-schema.ts'

interface SchemaEntry {
  readonly name: string
  readonly version: number
  readonly columns: number
  readonly description: string | null
  readonly file: string
  readonly origin: 'shipped' | 'user'
  /** The shipped file that this user's file stands in for; null when there is none. */
  readonly overrides: string | null
}
interface BrokenSchema {
  readonly name: string
  readonly file: string
  readonly error: ErrorView
}
export interface Registry {
  /** Reads this one file. Throws `missing` with a suggestion, or `config` for a broken or ambiguous one. */
  get(name: string): Promise<TableSchema>
  /** Reads all, by name; a broken one is reported beside the others and hides none of them. */
  list(): Promise<{ readonly schemas: readonly SchemaEntry[]; readonly broken: readonly BrokenSchema[] }>
}

/** Both src/schemas/ and dist/schemas/ stand two levels below the package's root. */
const shippedFolder = fileURLToPath(new URL('../../schemas/', import.meta.url))

interface Candidate {
  readonly file: string
  readonly origin: SchemaEntry['origin']
}
interface Found {
  readonly name: string
  /** The shipped file first, when there is one. */
  readonly candidates: readonly Candidate[]
}

/** Folders are absolute. They are read on first use, the YAML reader is loaded then; what was read is kept. */
export function openRegistry(folders: readonly string[], shipped: string = shippedFolder): Registry {
  let found: Promise<ReadonlyMap<string, Found>> | undefined
  const find = () => (found ??= findSchemas(shipped, folders))
  const read = new Map<string, Promise<TableSchema>>()
  const readOnce = (entry: Found): Promise<TableSchema> => {
    const known = read.get(entry.name) ?? readFound(entry)
    read.set(entry.name, known)
    return known
  }
  return {
    async get(name) {
      const known = await find()
      const entry = known.get(name)
      if (!entry) throw missing(name, [...known.keys()].sort())
      return await readOnce(entry)
    },
    async list() {
      const schemas: SchemaEntry[] = []
      const broken: BrokenSchema[] = []
      const all = [...(await find()).values()].sort((a, b) => (a.name < b.name ? -1 : 1))
      for (const entry of all) {
        const { file, origin } = entry.candidates.at(-1)!
        try {
          const { name, version, fields, description } = await readOnce(entry)
          const overrides = entry.candidates.length > 1 ? entry.candidates[0]!.file : null
          schemas.push({ name, version, columns: fields.length, description, file, origin, overrides })
        } catch (error) {
          broken.push({ name: entry.name, file, error: errorView(error) })
        }
      }
      return { schemas, broken }
    },
  }
}

async function findSchemas(shipped: string, folders: readonly string[]): Promise<ReadonlyMap<string, Found>> {
  const found = new Map<string, Found>()
  const sources = [
    { folder: shipped, origin: 'shipped' as const },
    ...[...new Set(folders)].map((folder) => ({ folder, origin: 'user' as const })),
  ]
  for (const { folder, origin } of sources)
    for (const base of await filesIn(folder)) {
      const name = base.replace(/\.ya?ml$/, '')
      const candidates = [...(found.get(name)?.candidates ?? []), { file: join(folder, base), origin }]
      found.set(name, { name, candidates })
    }
  return found
}

async function filesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((base) => /^[^.].*\.ya?ml$/.test(base)).sort()
  } catch (error) {
    const why =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such folder' : (error as Error).message
    throw fail('config', 'bad-schema-folder', `table schemas cannot be read: ${why}`, {
      where: printable(folder),
      hint: 'create it, or take it out of schemas: in tblctl.yaml',
    })
  }
}

async function readFound({ name, candidates }: Found): Promise<TableSchema> {
  const users = candidates.filter((candidate) => candidate.origin === 'user')
  if (users.length > 1)
    throw fail(
      'config',
      'ambiguous-schema',
      `two files hold table schema ${printable(name)}: ${users.map(({ file }) => file).join(' and ')}`,
      {
        hint: 'rename or remove one of them',
      },
    )
  const { file } = candidates.at(-1)!
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw fail('config', 'bad-schema', `the file cannot be read: ${error.message}`, { where: printable(file) })
  })
  const { readTableSchema } = await import('./read.ts')
  const schema = readTableSchema(text, file)
  if (schema.name !== name)
    throw fail(
      'config',
      'bad-schema',
      `the file is named after ${printable(name)}, its table_name is ${printable(schema.name)}`,
      {
        where: printable(file),
        hint: `name the file ${schema.name}.yaml`,
      },
    )
  return schema
}

function missing(name: string, known: readonly string[]): Error {
  const near = didYouMean(name, known)
  const list = `schemas are ${known.map(printable).join(', ')}`
  return fail('missing', 'no-such-schema', `there is no table schema "${printable(name)}"`, {
    hint: near === undefined ? list : `did you mean ${printable(near)}? (${list})`,
  })
}
