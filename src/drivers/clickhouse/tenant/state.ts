/** What a tenant has of what its set wants: each object whole, missing, or drifted, and how. */
import type { TableDefinition } from '../ddl.ts'
import type { Executor } from '../executor.ts'
import { isGenuine, readObjects, type TableObject } from '../objects.ts'
import type { SetObject } from '../schema-set.ts'

/** `whole`, `missing`, or `drifted: …`. */
export type ObjectState = string

/** Columns by the physical name of their table: `name type`, in the order of the table. */
export async function readColumns(
  executor: Executor,
  database: string,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<Map<string, string[]>> {
  if (names.length === 0) return new Map()
  const rows = await executor.query<{ table: string; columns: string[] }>({
    sql: "SELECT table, groupArray(concat(name, ' ', type)) AS columns FROM (SELECT table, name, type FROM system.columns WHERE database = {database:String} AND has({names:Array(String)}, table) ORDER BY table, position) GROUP BY table",
    parameters: { database, names },
    ...(signal === undefined ? {} : { signal }),
  })
  return new Map(rows.map(({ table, columns }) => [table, columns]))
}

/** The genuine ones among what carries the project's name; a table that somebody copied is not the tenant's. */
export async function readTenantObjects(
  executor: Executor,
  database: string,
  project: string,
  signal?: AbortSignal,
): Promise<{ readonly objects: TableObject[]; readonly copies: TableObject[]; readonly trashed: TableObject[] }> {
  const found = await readObjects(executor, { database, project }, signal)
  return {
    objects: found.filter(isGenuine),
    trashed: found.filter(({ identity }) => identity.trashed !== undefined),
    copies: found.filter((object) => object.identity.trashed === undefined && !isGenuine(object)),
  }
}

export function stateOf(
  wanted: SetObject,
  object: TableObject | undefined,
  columns: readonly string[] | undefined,
): ObjectState {
  if (object === undefined) return 'missing'
  const { identity } = object
  if (identity.kind !== wanted.kind) return `drifted: it is a ${identity.kind}, and not a ${wanted.kind}`
  if (wanted.definition === null)
    return identity.hash === wanted.hash ? 'whole' : 'drifted: it was made from another definition'
  const differences = [
    ...columnDifferences(wanted.definition, columns ?? []),
    ...keyDifferences(wanted.definition, object),
  ]
  return differences.length === 0 ? 'whole' : `drifted: ${differences.join(', ')}`
}

/** `whole`, or what is missing and drifted, for one line. */
export function tenantState(states: ReadonlyMap<string, ObjectState>): string {
  const missing = [...states].filter(([, state]) => state === 'missing').map(([table]) => table)
  const drifted = [...states].filter(([, state]) => state.startsWith('drifted')).map(([table]) => table)
  const parts = [
    ...(missing.length > 0 ? [`missing ${missing.join(', ')}`] : []),
    ...(drifted.length > 0 ? [`drifted ${drifted.join(', ')}`] : []),
  ]
  return parts.length === 0 ? 'whole' : parts.join('; ')
}

function columnDifferences({ columns }: TableDefinition, there: readonly string[]): string[] {
  const wanted = new Map(columns.filter((text) => text.startsWith('`')).map(columnOf))
  const actual = new Map(there.map((text) => [text.slice(0, text.indexOf(' ')), text.slice(text.indexOf(' ') + 1)]))
  return [
    ...[...wanted].flatMap(([name, type]) => {
      const found = actual.get(name)
      if (found === undefined) return [`no column ${name}`]
      return found === type ? [] : [`column ${name} is ${found}, and not ${type}`]
    }),
    ...[...actual.keys()].filter((name) => !wanted.has(name)).map((name) => `a column ${name} more`),
  ]
}

/** Of a definition's column: "`name` type …" → name and type. */
function columnOf(text: string): [name: string, type: string] {
  const [, name = '', type = ''] =
    /^`((?:[^`\\]|\\.)*)` (.+?)(?: (?:DEFAULT|MATERIALIZED|ALIAS|COMMENT|CODEC)\b.*)?$/s.exec(text) ?? []
  return [name, type]
}

function keyDifferences({ keys }: TableDefinition, { partitionKey, sortingKey }: TableObject): string[] {
  return [
    ...(keys.includes(`ORDER BY (${sortingKey})`) ? [] : [`it is ordered by ${sortingKey || 'nothing'}`]),
    ...((partitionKey === '' ? !keys.startsWith('PARTITION BY') : keys.startsWith(`PARTITION BY ${partitionKey} `))
      ? []
      : [`it is partitioned by ${partitionKey || 'nothing'}`]),
  ]
}
