/** alter: properties set and removed, column mapping turned on, and how long rows are kept. */
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import { parseDuration } from '../../../core/units.ts'
import { modeKey } from '../log/column-mapping.ts'
import { inCommitTimestamps } from '../log/properties.ts'
import { checkedProperty, requireSettable } from '../log/property-rules.ts'
import { findColumn } from '../log/schema-edit.ts'
import { columnList } from '../log/stats.ts'
import { hasWriterFeature, withWriterFeature } from '../log/writer-features.ts'
import { retentionProperty, statsColumnsProperty, timeColumnProperty } from '../table-properties.ts'
import { fieldOf } from './columns.ts'
import { type Draft, mappingModeOf, requireMapping, type Wanted } from './draft.ts'

const commitTimesProperty = 'delta.enableInCommitTimestamps'

export function changeProperties(draft: Draft, { set, unset }: Pick<Wanted, 'set' | 'unset'>): void {
  for (const name of unset) {
    if (Object.hasOwn(set, name))
      throw fail('usage', 'bad-option', `${printable(name)} is both in --set and in --unset`)
    removeProperty(draft, name)
  }
  const given = Object.entries(set)
  for (const [name, value] of given) if (name !== retentionProperty) setProperty(draft, name, value)
  // What it measures may be among them.
  const retention = set[retentionProperty]
  if (retention !== undefined) setRetention(draft, retention)
}

/** `none`: for ever. Throws `usage` for no duration, `refused`/`no-time-column` where nothing says how old a row is. */
export function setRetention(draft: Draft, text: string): void {
  const { metadata, declared } = draft
  if (text === 'none') {
    // Said, too, where only the table schema has one: it would hold otherwise.
    if ((metadata.configuration[retentionProperty] ?? declared.retention) !== null)
      put(draft, retentionProperty, 'none')
    return
  }
  if (parseDuration(text) === 0)
    throw fail('usage', 'bad-duration', `"${printable(text)}" would keep no row`, { hint: 'such as 30d, or none' })
  const column = metadata.configuration[timeColumnProperty] ?? declared.timeColumn ?? usualTimeColumn(draft)
  if (column === null)
    throw fail('refused', 'no-time-column', 'the table does not say which column tells how old a row is', {
      hint: `say it with --set ${timeColumnProperty}=COLUMN`,
    })
  requireTimeColumn(draft, column)
  put(draft, timeColumnProperty, column)
  put(draft, retentionProperty, text)
}

function setProperty(draft: Draft, name: string, value: string): void {
  if (name === modeKey) return // done before the columns
  if (name === timeColumnProperty) requireTimeColumn(draft, value)
  const stored = /^delta\./i.test(name) ? checkedProperty(name, value) : value
  if (name === statsColumnsProperty) requireColumns(draft, stored)
  if (name === commitTimesProperty) requireCommitTimes(draft, stored)
  put(draft, name, stored)
}

function removeProperty(draft: Draft, name: string): void {
  const { [name]: _, ...kept } = draft.metadata.configuration
  if (!Object.hasOwn(draft.metadata.configuration, name)) {
    draft.remarks.push(`there is no property ${printable(name)} to remove`)
    return
  }
  if (/^delta\./i.test(name)) requireSettable(name)
  if (name === commitTimesProperty) requireCommitTimes(draft, 'false')
  const retention = kept[retentionProperty]
  if (name === timeColumnProperty && retention !== undefined && retention !== 'none')
    throw fail('refused', 'property-in-use', `${timeColumnProperty} says what the retention of ${retention} measures`, {
      hint: 'with --retention none rows are kept for ever',
    })
  draft.metadata = { ...draft.metadata, configuration: kept }
  draft.done.unset.push(name)
}

function put(draft: Draft, name: string, value: string): void {
  if (draft.metadata.configuration[name] === value) return
  draft.metadata = { ...draft.metadata, configuration: { ...draft.metadata.configuration, [name]: value } }
  draft.done.set[name] = value
}

/** From `none` to `name` only (Delta PROTOCOL, "Column Mapping": files of a table without mapping have no ids). */
export function setMappingMode(draft: Draft, value: string): void {
  const mode = mappingModeOf(draft)
  const wanted = value.toLowerCase()
  if (wanted === mode) return
  if (mode !== 'none' || wanted !== 'name')
    throw fail('refused', 'column-mapping', `${modeKey} cannot go from ${mode} to "${printable(value)}"`, {
      hint: 'only from none to name; every other way needs the files written again',
    })
  requireMapping(draft)
  draft.done.set[modeKey] = 'name'
}

/** The commit that turns them on says from when on they hold (log/attempt.ts); turned off, versions would go by two clocks. */
function requireCommitTimes(draft: Draft, value: string): void {
  if (value === 'true') {
    if (!hasWriterFeature(draft.protocol, 'inCommitTimestamp'))
      draft.protocol = withWriterFeature(draft.protocol, 'inCommitTimestamp')
  } else if (inCommitTimestamps(draft.metadata.configuration))
    throw fail(
      'refused',
      'kept-property',
      `${commitTimesProperty} cannot be turned off: its versions go by these times`,
    )
}

function requireColumns(draft: Draft, list: string): void {
  for (const path of columnList(list))
    if (findColumn(draft.schema, path) === undefined)
      throw fail('refused', 'no-such-column', `${statsColumnsProperty} names ${printable(path.join('.'))}`, {
        hint: 'the table has no such column',
      })
}

function requireTimeColumn(draft: Draft, name: string): void {
  const field = findColumn(draft.schema, [name])
  const type = field && fieldOf(field).type.kind
  if (type === 'Timestamp' || type === 'Date32') return
  const why = type === undefined ? 'the table has no such column' : `it is ${type}`
  throw fail('refused', 'no-time-column', `column ${printable(name)} cannot tell how old a row is: ${why}`, {
    hint: `say a column of times or dates with --set ${timeColumnProperty}=COLUMN`,
  })
}

/** What load derives dates from where nothing else is said. */
function usualTimeColumn({ schema }: Draft): string | null {
  return schema.fields.some(({ name }) => name === 'timestamp') ? 'timestamp' : null
}
