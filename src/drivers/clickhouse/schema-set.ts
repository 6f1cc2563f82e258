/** Schema sets: the tables, rollups and views that make a tenant, in the order in which they can be made. */
import type { DriverEnvironment } from '../../core/driver.ts'
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import { didYouMean } from '../../core/suggest.ts'
import { createTableSql, definitionHash, type TableDefinition, tableDefinition } from './ddl.ts'
import { formatIdentity, type Identity } from './identity.ts'
import { physicalName, quoteName, quoteString } from './names.ts'
import { type Rollup, rollupSchema, rollupSelect, rollups } from './rollups.ts'
import { retentionSeconds } from './ttl.ts'

/** HyperDX v2.36: eight tables by their table schemas, and two rollups with a view each. */
const sets: Readonly<Record<string, { readonly tables: readonly string[]; readonly rollups: readonly Rollup[] }>> = {
  hyperdx: {
    tables: [
      'otel_logs',
      'otel_traces',
      'hyperdx_sessions',
      'otel_metrics_gauge',
      'otel_metrics_sum',
      'otel_metrics_histogram',
      'otel_metrics_exponential_histogram',
      'otel_metrics_summary',
    ],
    rollups,
  },
}

export interface Place {
  readonly database: string
  readonly project: string
  /** The tenant as it was given, where the project's name is an encoding of it. */
  readonly id: string | null
}

export interface SetObject {
  /** Its name in the project. */
  readonly table: string
  readonly kind: Identity['kind']
  /** Name of the table schema; null for what only this driver knows. */
  readonly schema: string | null
  readonly hash: string
  /** Null for a view. */
  readonly definition: TableDefinition | null
  /** `retention`: seconds, null = for ever; undefined = as the table schema says. */
  create(place: Place, retention: number | null | undefined): string
}

/** `version`: the server's. Throws `missing` for a set that there is not. */
export async function readSet(name: string, environment: DriverEnvironment, version: string): Promise<SetObject[]> {
  const set = Object.hasOwn(sets, name) ? sets[name] : undefined
  if (set === undefined) {
    const near = didYouMean(name, Object.keys(sets))
    throw fail('missing', 'schema-set-not-found', `there is no schema set "${printable(name)}"`, {
      hint: near ? `did you mean ${near}?` : `there is: ${Object.keys(sets).join(', ')}`,
    })
  }
  const tables: SetObject[] = []
  const retentions = new Map<string, string | null>()
  for (const table of set.tables) {
    const schema = await environment.schema(table)
    retentions.set(table, schema.retention)
    tables.push(tableObject('table', table, table, tableDefinition(schema, version), schema.retention))
  }
  return [
    ...tables,
    ...set.rollups.map((rollup) => {
      const retention = retentions.get(rollup.source) ?? null
      const definition = tableDefinition(rollupSchema(rollup, retention), version)
      return tableObject('rollup', rollup.target, null, definition, retention)
    }),
    ...set.rollups.map(viewObject),
  ]
}

/** The set that a tenant with these tables was made of; null when it is none. */
export function setOf(tables: readonly string[]): string | null {
  const there = new Set(tables)
  for (const [name, set] of Object.entries(sets)) if (set.tables.some((table) => there.has(table))) return name
  return null
}

/** Views that read a table or write to it: they go before it. */
export const viewsOn = (table: string): string[] =>
  rollups.filter(({ source, target }) => source === table || target === table).map(({ view }) => view)

function tableObject(
  kind: 'table' | 'rollup',
  table: string,
  schema: string | null,
  definition: TableDefinition,
  usual: string | null,
): SetObject {
  return {
    table,
    kind,
    schema,
    definition,
    hash: definition.hash,
    create: (place, retention) =>
      createTableSql({
        database: place.database,
        name: physicalName(table, place.project),
        definition,
        identity: identityOf(place, { table, kind, schema }),
        retentionSeconds: retention === undefined ? (usual === null ? null : retentionSeconds(usual)) : retention,
      }),
  }
}

function viewObject(rollup: Rollup): SetObject {
  const hash = definitionHash(rollupSelect(rollup, rollup.source))
  return {
    table: rollup.view,
    kind: 'view',
    schema: null,
    definition: null,
    hash,
    create: (place) => {
      const named = (table: string) => quoteName(place.database, physicalName(table, place.project))
      const identity = { ...identityOf(place, { table: rollup.view, kind: 'view', schema: null }), hash }
      return [
        `CREATE MATERIALIZED VIEW ${named(rollup.view)} TO ${named(rollup.target)}`,
        `AS ${rollupSelect(rollup, named(rollup.source))}`,
        `COMMENT ${quoteString(formatIdentity(identity))}`,
      ].join('\n')
    },
  }
}

const identityOf = (
  { project, id }: Place,
  object: Pick<Identity, 'table' | 'kind' | 'schema'>,
): Omit<Identity, 'hash' | 'types'> => ({ tblctl: 1, project, ...object, ...(id === null ? {} : { id }) })
