/** What else in a table's log speaks of a column: it would be wrong once the column is gone or has another name. */
import type { DomainMetadata, Metadata } from './actions.ts'
import { columnMetadata, type DeltaStruct } from './schema-string.ts'

export interface ColumnUse {
  /** `the CHECK constraint positive`, for people. */
  readonly by: string
  /** By its logical name in the log: a new name breaks it as well. */
  readonly byName: boolean
}

/** `column`: a top-level column by its name, and by its physical one. */
export function usesOf(
  column: { readonly name: string; readonly physicalName: string },
  {
    schema,
    metadata,
    domains,
  }: {
    readonly schema: DeltaStruct
    readonly metadata: Metadata
    readonly domains: ReadonlyMap<string, DomainMetadata>
  },
): readonly ColumnUse[] {
  const uses: ColumnUse[] = []
  for (const [key, expression] of Object.entries(metadata.configuration))
    if (/^delta\.constraints\./i.test(key) && names(expression, column.name))
      uses.push({ by: `the CHECK constraint ${key.slice('delta.constraints.'.length)}`, byName: true })
  for (const { path, metadata: own } of columnMetadata(schema)) {
    const generated = own['delta.generationExpression']
    if (typeof generated === 'string' && path !== column.name && names(generated, column.name))
      uses.push({ by: `the generated column ${path}`, byName: true })
    const invariant = own['delta.invariants']
    if (typeof invariant === 'string' && names(invariant, column.name))
      uses.push({ by: `an invariant of column ${path}`, byName: true })
  }
  if (clusteredBy(domains.get('delta.clustering'), column.physicalName))
    uses.push({ by: 'the clustering of the table', byName: false })
  return uses
}

/** Identifiers of an SQL expression, plain or in backticks; a text that happens to look like one counts too, which is the safe side. */
const names = (expression: string, column: string): boolean =>
  (expression.match(/`(?:[^`]|``)*`|[\p{L}_][\p{L}\p{N}_]*/gu) ?? []).some((word) => {
    const name = word.startsWith('`') ? word.slice(1, -1).replaceAll('``', '`') : word
    return name.toLowerCase() === column.toLowerCase()
  })

/** Delta PROTOCOL, "Clustered Table": lists of physical names, the column's first. */
function clusteredBy(domain: DomainMetadata | undefined, physicalName: string): boolean {
  if (domain === undefined) return false
  try {
    const { clusteringColumns } = JSON.parse(domain.configuration) as { clusteringColumns?: readonly string[][] }
    return (clusteringColumns ?? []).some(([first]) => first?.toLowerCase() === physicalName.toLowerCase())
  } catch {
    return true // what cannot be read may name it
  }
}
