/** What an alter did, for people, for the report and for the table's history (the operations are named as Delta Spark names them). */
import { printable } from '../../../core/ref.ts'
import type { CommitRequest } from '../log/commit-request.ts'
import { retentionProperty } from '../table-properties.ts'
import type { Done } from './draft.ts'

export interface Counts {
  readonly columnsAdded: number
  readonly columnsRenamed: number
  readonly columnsDropped: number
  /** With another description, or nullable now. */
  readonly columnsChanged: number
  readonly propertiesSet: number
  readonly propertiesRemoved: number
}

/** What is nothing is not told. */
export function countsOf({ dropped, renamed, added, changed, set, unset }: Done): Partial<Counts> {
  const counts: Counts = {
    columnsAdded: added.length,
    columnsRenamed: renamed.length,
    columnsDropped: dropped.length,
    columnsChanged: changed.length,
    propertiesSet: Object.keys(set).length,
    propertiesRemoved: unset.length,
  }
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}

const mostLines = 50

export function linesOf(
  ref: string,
  { dropped, renamed, added, changed, set, unset }: Done,
  changes: number,
): string[] {
  if (changes === 0) return [`alter ${ref}: it is so already`]
  const lines = [
    ...dropped.map((name) => `drop column ${name}: no reader sees it any more; its values stay in the files`),
    ...renamed.map(({ from, to }) => `rename column ${from} to ${to}`),
    ...added.map(({ name, type }) => `add column ${name} ${type}, null in the rows that are there`),
    ...changed.map((name) =>
      name === '' ? 'describe the table anew' : `describe column ${name} anew, or let it be null`,
    ),
    ...Object.entries(set).map(([name, value]) => lineOf(name, value)),
    ...unset.map((name) => `remove the property ${name}`),
  ]
  const more = lines.length > mostLines ? [`and ${lines.length - mostLines} more`] : []
  return [...lines.slice(0, mostLines), ...more].map(printable)
}

function lineOf(name: string, value: string): string {
  if (name !== retentionProperty) return `set ${name} to ${value}`
  return value === 'none'
    ? 'keep rows for ever'
    : `keep rows for ${value}; those that are older go with vacuum --expired`
}

/** One commit may hold several: the heaviest names it, and the parameters tell them all. */
export function operationOf({ dropped, renamed, added, changed, set, unset }: Done): CommitRequest['operation'] {
  const parameters: Record<string, string> = {}
  const names: string[] = []
  const told = (name: string, more: Readonly<Record<string, string>>): void => {
    names.push(name)
    Object.assign(parameters, more)
  }
  if (dropped.length > 0) told('DROP COLUMNS', { columns: JSON.stringify(dropped) })
  const [first] = renamed
  if (first !== undefined)
    told(
      'RENAME COLUMN',
      renamed.length === 1
        ? { oldColumnPath: first.from, newColumnPath: first.to }
        : { renamedColumns: JSON.stringify(renamed) },
    )
  if (added.length > 0)
    told('ADD COLUMNS', { [dropped.length > 0 ? 'addedColumns' : 'columns']: JSON.stringify(added) })
  if (changed.some((name) => name !== '')) told('CHANGE COLUMN', { column: JSON.stringify(changed) })
  if (Object.keys(set).length > 0 || changed.includes(''))
    told('SET TBLPROPERTIES', { properties: JSON.stringify(set) })
  if (unset.length > 0)
    told('UNSET TBLPROPERTIES', {
      [parameters.properties === undefined ? 'properties' : 'removedProperties']: JSON.stringify(unset),
    })
  return { name: names[0] ?? 'UPGRADE PROTOCOL', parameters, metrics: {} }
}
