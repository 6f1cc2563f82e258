/**
 * Files that may hold a row of a key, by what the log says of them: their partition values, and the least and the greatest value of a column.
 * A file whose values the log does not tell for certain may hold any.
 */
import type { Field } from '../../../core/types.ts'
import type { Engine } from '../../../engine/engine.ts'
import { sqlType } from '../../../engine/types.ts'
import { partitionValuesOf, physicalName } from '../log/column-mapping.ts'
import type { LiveFile } from '../log/replay.ts'
import type { Snapshot } from '../log/snapshot.ts'
import { statisticsOf } from '../log/statistics.ts'
import { keyTable } from './merge-rows.ts'

const boundTable = 'tblctl_merge_bounds'

/** Texts that the engine can read as values of the column; null = not known. */
interface Bounds {
  readonly least: string | null
  readonly greatest: string | null
}
const unknown: Bounds = { least: null, greatest: null }

export async function candidates(
  engine: Engine,
  snapshot: Snapshot,
  files: readonly LiveFile[],
  key: readonly Field[],
): Promise<readonly LiveFile[]> {
  let left = files
  for (const [i, field] of key.entries()) {
    const partition = snapshot.metadata.partitionColumns.includes(field.name)
    // Keys are never null.
    if (partition) left = left.filter((file) => partitionValuesOf(snapshot, file)[field.name] !== null)
    if (left.length === 0) return left
    const known = partition ? partitionBounds(snapshot, field) : statisticsBounds(snapshot, field)
    if (known !== null) left = await overlapping(engine, left, left.map(known), field, `k${i}`)
  }
  return left
}

type BoundsOf = (file: LiveFile) => Bounds

/** Binary values have escapes in the log, and of floats two texts may be one value. */
function partitionBounds(snapshot: Snapshot, { name, type }: Field): BoundsOf | null {
  if (['Binary', 'Float32', 'Float64'].includes(type.kind)) return null
  return (file) => {
    const value = partitionValuesOf(snapshot, file)[name]!
    return { least: value, greatest: value }
  }
}

const exact: readonly Field['type']['kind'][] = ['Int8', 'Int16', 'Int32', 'Int64', 'Date32', 'Utf8']

/** Types whose bounds every writer gives in one way; of floats a NaN may be left out, and of a decimal digits. */
function statisticsBounds(snapshot: Snapshot, { name, type }: Field): BoundsOf | null {
  if (!exact.includes(type.kind) && type.kind !== 'Timestamp') return null
  const column = physicalName(snapshot.mapping, name)
  return ({ stats }) => {
    const { minValues, maxValues } = statisticsOf(stats)
    const [least, greatest] = [textOf(minValues, column), textOf(maxValues, column)]
    return least === null || greatest === null ? unknown : { least, greatest }
  }
}

function textOf(values: Readonly<Record<string, unknown>>, column: string): string | null {
  const value = Object.hasOwn(values, column) ? values[column] : null
  return ['string', 'number', 'bigint'].includes(typeof value) ? String(value) : null
}

/** Of each file the least key that is not below its bounds decides; a text that is no value of the type is not known. */
async function overlapping(
  engine: Engine,
  files: readonly LiveFile[],
  bounds: readonly Bounds[],
  { type }: Field,
  column: string,
): Promise<readonly LiveFile[]> {
  if (bounds.every(({ least }) => least === null)) return files
  await engine.run(`DROP TABLE IF EXISTS ${boundTable}`)
  const text = (name: string): Field => ({ name, type: { kind: 'Utf8' }, nullable: true })
  await engine.append(boundTable, {
    fields: [{ name: 'file', type: { kind: 'Int32' }, nullable: false }, text('least'), text('greatest')],
    columns: [files.map((_file, i) => i), bounds.map(({ least }) => least), bounds.map(({ greatest }) => greatest)],
    rows: files.length,
  })
  const cast = (name: string): string => `TRY_CAST(${name} AS ${sqlType(type)})`
  // Times are cut to milliseconds by some writers.
  const slack = type.kind === 'Timestamp' ? " + INTERVAL '1 millisecond'" : ''
  const rows = await engine.all(
    `SELECT DISTINCT b.file FROM (SELECT file, ${cast('least')} AS least, ${cast('greatest')}${slack} AS greatest FROM ${boundTable}) AS b ` +
      `ASOF LEFT JOIN (SELECT DISTINCT ${column} AS value FROM ${keyTable}) AS k ON b.least <= k.value ` +
      `WHERE b.least IS NULL OR b.greatest IS NULL OR k.value <= b.greatest`,
  )
  const found = new Set(rows.map((row) => Number(row.file)))
  return files.filter((_file, i) => found.has(i))
}
