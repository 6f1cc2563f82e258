/** What tblctl itself keeps in a table's properties (`tblctl.*`), so that the table knows it wherever it is registered. */
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import type { TableSchema } from '../../core/table-schema.ts'
import { parseDuration } from '../../core/units.ts'
import type { Metadata } from './log/actions.ts'
import { type ColumnPath, formatPath } from './log/schema-edit.ts'
import { columnList } from './log/stats.ts'

/** A duration such as `30d`; absent = rows are kept for ever. */
export const retentionProperty = 'tblctl.retention'
/** The column that retention measures and that `date` is derived from. */
export const timeColumnProperty = 'tblctl.timeColumn'
/** Of Delta: which columns get statistics, by their names. */
export const statsColumnsProperty = 'delta.dataSkippingStatsColumns'

type Configuration = Metadata['configuration']

export interface Retention {
  readonly ms: number
  /** By its name in the schema. */
  readonly column: string
}

/** How long rows are kept; null = for ever. Throws `data`/`bad-property` for what is no duration, or measures no column. */
export function retentionOf({ configuration }: Pick<Metadata, 'configuration'>): Retention | null {
  const text = configuration[retentionProperty]
  if (text === undefined || text === 'none') return null
  const column = configuration[timeColumnProperty]
  if (column === undefined)
    throw bad(retentionProperty, text, `, but ${timeColumnProperty}, whose age it measures, is not set`)
  return { ms: durationOf(text), column }
}

function durationOf(text: string): number {
  try {
    const ms = parseDuration(text)
    if (ms > 0) return ms
  } catch {
    // said below, with the property's name
  }
  throw bad(retentionProperty, text, ', which is no duration such as 30d')
}

/** What `create` writes into the properties. */
export const schemaProperties = ({ retention, timeColumn }: TableSchema): Readonly<Record<string, string>> => ({
  ...(timeColumn === null ? {} : { [timeColumnProperty]: timeColumn }),
  ...(retention === null ? {} : { [retentionProperty]: retention }),
})

/** Properties that speak of a column, after it got another name. */
export function withRenamedColumn(configuration: Configuration, from: ColumnPath, to: ColumnPath): Configuration {
  const renamed = withStatsColumns(configuration, (path) =>
    isWithin(path, from) ? [...to, ...path.slice(from.length)] : path,
  )
  const isTimeColumn = from.length === 1 && renamed[timeColumnProperty] === from[0]
  return isTimeColumn ? { ...renamed, [timeColumnProperty]: to[0]! } : renamed
}

/** Properties that speak of a column, after it is gone. */
export function withoutColumn(configuration: Configuration, gone: ColumnPath): Configuration {
  const left = withStatsColumns(configuration, (path) => (isWithin(path, gone) ? null : path))
  const { [timeColumnProperty]: timeColumn, ...others } = left
  return gone.length === 1 && timeColumn === gone[0] ? others : left
}

function withStatsColumns(
  configuration: Configuration,
  change: (path: ColumnPath) => ColumnPath | null,
): Configuration {
  const { [statsColumnsProperty]: list, ...others } = configuration
  if (list === undefined) return configuration
  const paths = columnList(list).flatMap((path) => {
    const changed = change(path)
    return changed === null ? [] : [formatPath(changed)]
  })
  return paths.length === 0 ? others : { ...others, [statsColumnsProperty]: paths.join(',') }
}

const isWithin = (path: ColumnPath, outer: ColumnPath): boolean =>
  outer.every((name, i) => path[i]?.toLowerCase() === name.toLowerCase())

const bad = (name: string, text: string, why: string): Error =>
  fail('data', 'bad-property', `the table's property ${name} is "${printable(text)}"${why}`, {
    hint: 'tblctl alter REF --retention 30d, or --retention none',
  })
