/**
 * What each data file calls the columns of a table with column mapping (Delta PROTOCOL, "Reader Requirements for Column Mapping"). In mode
 * `name` they are the same in all; in mode `id` only the ids in the file's own schema count, and a file may call its columns anything.
 */
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { Field } from '../../../core/types.ts'
import { type Engine, openEngine, readingFiles } from '../../../engine/engine.ts'
import { quotePath } from '../../../engine/sql-text.ts'
import { type ColumnMapping, fieldsCalled, physicalFields } from '../log/column-mapping.ts'

/** Files whose schemas are asked for at once. */
const atOnce = 256

/**
 * By place in `paths`, ScanFile.calls for these columns; one array for files that call them alike. `names`: how messages call a copy.
 * Throws `data`/`no-field-ids` for a file of mode `id` without ids.
 */
export async function columnsOfFiles(
  mapping: ColumnMapping,
  fields: readonly Field[],
  paths: readonly string[],
  names: ReadonlyMap<string, string>,
  options: { readonly scratch: string; readonly signal: AbortSignal },
): Promise<readonly (readonly Field[])[]> {
  if (mapping.mode === 'name') {
    const calls = physicalFields(mapping, fields)
    return paths.map(() => calls)
  }
  await using engine = await openEngine(options)
  for (const [path, name] of names) engine.copies.set(path, name)
  const known = new Map<string, readonly Field[]>()
  const found: (readonly Field[])[] = []
  for (let i = 0; i < paths.length; i += atOnce)
    for (const [path, file] of await schemasOf(engine, paths.slice(i, i + atOnce))) {
      if (file.byId.size === 0) throw withoutIds(names.get(path) ?? path)
      const calls = callsBy(file, mapping, fields)
      const key = JSON.stringify(calls)
      if (!known.has(key)) known.set(key, calls)
      found.push(known.get(key)!)
    }
  return found
}

interface FileSchema {
  readonly byId: Map<number, string>
  readonly names: Set<string>
}

/** In the order of the paths. */
async function schemasOf(engine: Engine, paths: readonly string[]): Promise<Map<string, FileSchema>> {
  const schemas = new Map(paths.map((path) => [path, { byId: new Map<number, string>(), names: new Set<string>() }]))
  const rows = await readingFiles(engine, paths, () =>
    engine.all(`SELECT file_name, name, field_id FROM parquet_schema([${paths.map(quotePath).join(', ')}])`),
  )
  for (const { file_name, name, field_id } of rows) {
    const schema = schemas.get(String(file_name))!
    schema.names.add(String(name).toLowerCase())
    if (field_id !== null) schema.byId.set(Number(field_id), String(name))
  }
  return schemas
}

/** A column that the file lacks is called as nothing in it is: there may be another one of its physical name. */
function callsBy({ byId, names }: FileSchema, mapping: ColumnMapping, fields: readonly Field[]): readonly Field[] {
  return fieldsCalled(mapping, fields, (id, physical) => {
    let name = byId.get(id)
    if (name !== undefined) return name
    name = physical
    while (names.has(name.toLowerCase())) name += '_'
    return name
  })
}

const withoutIds = (where: string): Error =>
  fail(
    'data',
    'no-field-ids',
    `the columns of ${printable(where)} have no ids, and the table finds its columns by them`,
    {
      where,
      hint: 'the table has column mapping by id: its writers must write field ids into every Parquet file',
    },
  )
