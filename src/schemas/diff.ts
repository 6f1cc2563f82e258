/** What to do to a table of one schema so that it has another. Columns are matched by name; a rename is never guessed. */
import type { Change, TableSetting } from '../core/change.ts'
import { canonicalJson, type Json } from '../core/json.ts'
import type { TableSchema } from '../core/table-schema.ts'
import { type Field, sameType } from '../core/types.ts'
import { parseDuration } from '../core/units.ts'
import { widens } from './widen.ts'

/** In a fixed order: columns dropped, added and changed, their order, then the table's own properties. Names and versions do not count. */
export function diffSchemas(from: TableSchema, to: TableSchema): readonly Change[] {
  return [
    ...columnChanges(from, to),
    ...layoutChanges(from, to),
    ...settingChanges(from, to),
    ...sectionChanges(from, to),
  ]
}

const byName = (schema: TableSchema): ReadonlyMap<string, Field> => new Map(schema.fields.map((f) => [f.name, f]))

function columnChanges(from: TableSchema, to: TableSchema): Change[] {
  const [before, after] = [byName(from), byName(to)]
  const dropped = from.fields.filter((field) => !after.has(field.name))
  const added = to.fields.filter((field) => !before.has(field.name))
  const changes: Change[] = [
    ...dropped.map(
      (field): Change => ({ is: 'drop-column', field, safe: false, rewrites: 'nothing', why: 'its values are gone' }),
    ),
    ...added.map(addition),
    ...to.fields.flatMap((now) => {
      const was = before.get(now.name)
      return was ? fieldChanges(was, now) : []
    }),
  ]
  const old = from.fields.map((field) => field.name).filter((name) => after.has(name))
  const now = to.fields.map((field) => field.name).filter((name) => before.has(name))
  if (!equal(old, now))
    changes.push({
      is: 'reorder-columns',
      from: old,
      to: now,
      safe: false,
      rewrites: 'nothing',
      why: 'readers that go by position see other columns',
    })
  return changes
}

function addition(field: Field): Change {
  return field.nullable
    ? { is: 'add-column', field, safe: true, rewrites: 'nothing', why: 'rows that are there have no value in it' }
    : {
        is: 'add-column',
        field,
        safe: false,
        rewrites: 'table',
        why: 'rows that are there have no value, and it must have one',
      }
}

function fieldChanges(was: Field, now: Field): Change[] {
  const column = now.name
  const changes: Change[] = []
  const types = { column, from: was.type, to: now.type }
  if (widens(was.type, now.type))
    changes.push({ is: 'widen-type', ...types, safe: true, rewrites: 'column', why: 'every value keeps its meaning' })
  else if (!sameType(was.type, now.type))
    changes.push({
      is: 'change-type',
      ...types,
      safe: false,
      rewrites: 'column',
      why: 'values that do not fit are lost or refused',
    })
  if (was.nullable !== now.nullable)
    changes.push({
      is: 'change-nullability',
      column,
      nullable: now.nullable,
      safe: now.nullable,
      rewrites: 'nothing',
      why: now.nullable
        ? 'rows that are there all have a value'
        : 'every row must be checked; one without a value refuses the change',
    })
  changes.push(...descriptionChange(column, was.description ?? null, now.description ?? null))
  return changes
}

function descriptionChange(column: string | null, from: string | null, to: string | null): Change[] {
  return from === to
    ? []
    : [{ is: 'change-description', column, from, to, safe: true, rewrites: 'nothing', why: 'no row is touched' }]
}

function layoutChanges(from: TableSchema, to: TableSchema): Change[] {
  const changes = descriptionChange(null, from.description, to.description)
  if (!equal(from.partitions, to.partitions))
    changes.push({
      is: 'change-partitions',
      from: from.partitions,
      to: to.partitions,
      safe: false,
      rewrites: 'table',
      why: 'every row moves to a new place',
    })
  if (!equal(from.sortingColumns, to.sortingColumns))
    changes.push({
      is: 'change-sorting',
      from: from.sortingColumns,
      to: to.sortingColumns,
      safe: false,
      rewrites: 'table',
      why: 'rows that are there keep the old order until they are written again',
    })
  if (!equal(from.zOrderColumns, to.zOrderColumns))
    changes.push({
      is: 'change-z-order',
      from: from.zOrderColumns,
      to: to.zOrderColumns,
      safe: true,
      rewrites: 'nothing',
      why: 'the next optimize clusters by them',
    })
  if (!equal(from.primaryKey, to.primaryKey))
    changes.push({
      is: 'change-primary-key',
      from: from.primaryKey,
      to: to.primaryKey,
      safe: false,
      rewrites: 'table',
      why: 'rows that are there may not be unique under it',
    })
  if (from.retention !== to.retention && ageLimit(from) !== ageLimit(to)) {
    const longer = ageLimit(to) > ageLimit(from)
    changes.push({
      is: 'change-retention',
      from: from.retention,
      to: to.retention,
      safe: longer,
      rewrites: 'nothing',
      why: longer ? 'rows are kept longer' : `rows older than ${to.retention} will be removed`,
    })
  }
  return changes
}
const ageLimit = (schema: TableSchema): number =>
  schema.retention === null ? Infinity : parseDuration(schema.retention)

const settings: Readonly<Record<TableSetting, string>> = {
  timeColumn: 'retention and derived dates go by another column',
  dedupKeys: 'other rows count as versions of one row',
  dedupTiebreak: 'another version of a row may win',
  tombstoneColumn: 'rows that were deleted may come back',
  versionAppend: 'updates are written in another way',
}

function settingChanges(from: TableSchema, to: TableSchema): Change[] {
  return Object.entries(settings).flatMap(([name, why]): Change[] => {
    const setting = name as TableSetting
    if (equal(from[setting], to[setting])) return []
    return [
      { is: 'change-setting', setting, from: from[setting], to: to[setting], safe: false, rewrites: 'nothing', why },
    ]
  })
}

function sectionChanges(from: TableSchema, to: TableSchema): Change[] {
  const sections = [...new Set([...Object.keys(from.extensions), ...Object.keys(to.extensions)])].sort()
  return sections.flatMap((section): Change[] => {
    const [was, now] = [from.extensions[section] ?? null, to.extensions[section] ?? null]
    if (equal(was, now)) return []
    const why = 'the driver decides what it costs'
    return [{ is: 'change-section', section, from: was, to: now, safe: false, rewrites: 'table', why }]
  })
}

const equal = (a: unknown, b: unknown): boolean => canonicalJson(a as Json) === canonicalJson(b as Json)
