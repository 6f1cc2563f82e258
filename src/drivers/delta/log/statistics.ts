/** What a file's statistics say (Delta PROTOCOL, "Per-file Statistics"), by the columns' physical names; nothing of it is believed. */
import { isObject, parseExact } from './exact-json.ts'

type Values = Readonly<Record<string, unknown>>
export interface FileStatistics {
  readonly numRecords: number | null
  readonly minValues: Values
  readonly maxValues: Values
  readonly nullCount: Values
  /** False: bounds are wide and null counts not exact, since rows were hidden. */
  readonly tight: boolean
}

/** Of `add.stats`; empty where the log does not say. */
export function statisticsOf(stats: string | undefined): FileStatistics {
  const raw = parsed(stats)
  const values = (name: string): Values => (isObject(raw[name]) ? raw[name] : {})
  const { numRecords } = raw
  return {
    numRecords: Number.isSafeInteger(numRecords) ? (numRecords as number) : null,
    minValues: values('minValues'),
    maxValues: values('maxValues'),
    nullCount: values('nullCount'),
    tight: raw.tightBounds !== false,
  }
}

function parsed(stats: string | undefined): Values {
  if (stats === undefined) return {}
  try {
    const outer = parseExact(stats)
    // ClickHouse wraps the text once more.
    const inner = isObject(outer) && typeof outer.stats_json === 'string' ? parseExact(outer.stats_json) : outer
    return isObject(inner) ? inner : {}
  } catch {
    return {}
  }
}
