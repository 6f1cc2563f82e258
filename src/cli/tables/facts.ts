/** What a backend says about a table (status, details), as sections for people. Drivers name the members; unknown ones are shown as they are. */
import type { Json, JsonObject } from '../../core/json.ts'
import type { Column, Line, Section } from '../output/view.ts'
import { countText, wordsOf } from './changes.ts'

type Reasons = Readonly<Record<string, string>>

/** Lists of objects (shards) become tables below the lines. A null member has its reason in `unknown`, or beside it as `rowsUnknown`. */
export function factSections(title: string, facts: JsonObject, unknown: Reasons = {}): Section[] {
  const members = Object.entries(facts).filter(([name, value]) => value !== undefined && !isReason(facts, name))
  const lines = members
    .filter(([, value]) => !isTable(value))
    .map(([name, value]) => lineOf(name, value!, facts, unknown))
  const tables = members.filter(([, value]) => isTable(value))
  return [
    ...(lines.length > 0 ? [{ title, lines }] : []),
    ...tables.map(([name, value]) => ({
      title: capital(wordsOf(name)),
      table: { columns: columnsOf(value as readonly JsonObject[]), items: value as readonly JsonObject[] },
    })),
  ]
}

/** For people: `9 MB` for bytes, everything else as it is. */
export const factText = (name: string, value: Json): string | undefined =>
  typeof value === 'number' ? countText(name, value) : undefined

function lineOf(name: string, value: Json, facts: JsonObject, unknown: Reasons): Line {
  const reason = unknown[name] ?? facts[`${name}Unknown`]
  const text = factText(name, value)
  return {
    label: capital(wordsOf(name)),
    value,
    ...(text === undefined ? {} : { text }),
    ...(typeof reason === 'string' ? { unknown: reason } : {}),
  }
}

const isReason = (facts: JsonObject, name: string): boolean =>
  name.endsWith('Unknown') && facts[name.slice(0, -'Unknown'.length)] === null

const isTable = (value: Json | undefined): boolean =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((item) => item !== null && typeof item === 'object' && !Array.isArray(item))

function columnsOf(items: readonly JsonObject[]): Column<JsonObject>[] {
  const names = new Set(items.flatMap((item) => Object.keys(item)))
  return [...names].map((name) => ({
    name,
    header: wordsOf(name).toUpperCase(),
    value: (item) => item[name],
    format: (value: Json) => factText(name, value) ?? (typeof value === 'string' ? value : JSON.stringify(value)),
    ...(items.every((item) => typeof item[name] === 'number') ? { align: 'right' as const } : {}),
  }))
}

export const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)
