/** TimeFusion's rollups: kept as they are and checked by its rules, so that a file that passes here loads there. */
import { printable } from '../core/ref.ts'
import type { Field } from '../core/types.ts'
import { parseDuration } from '../core/units.ts'
import type { Rollup } from './format.ts'
import { type Problem, unknownColumn } from './problem.ts'
import type { KeyPath } from './yaml.ts'

/** Columns that every rollup table has of its own. */
const identity = ['project_id', 'timestamp', 'date', 'id', 'updated_at', 'deleted', 'rollup_generation']
const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/
const numeric = /^(U?Int(8|16|32|64)|Float(32|64)|Decimal128)$/

export function rollupProblems(table: string, rollups: readonly Rollup[], fields: readonly Field[]): Problem[] {
  return rollups.flatMap((rollup, i) => [
    ...nameProblems(table, rollups, i),
    ...columnProblems(rollup, ['rollups', i], fields),
  ])
}

const grainMs = (grain: string): number | null => (/^[1-9]\d{0,5}[smhd]$/.test(grain) ? parseDuration(grain) : null)
const suffix = (rollup: Rollup): string => rollup.name ?? rollup.grain

function nameProblems(table: string, rollups: readonly Rollup[], i: number): Problem[] {
  const rollup = rollups[i]!
  const path: KeyPath = ['rollups', i]
  const problems: Problem[] = []
  if (grainMs(rollup.grain) === null)
    problems.push({
      path: [...path, 'grain'],
      message: `"${printable(rollup.grain)}" is no grain: a number and s, m, h or d`,
    })
  if (rollup.name != null && !identifier.test(rollup.name))
    problems.push({
      path: [...path, 'name'],
      message: `"${printable(rollup.name)}" is no identifier: it becomes part of a table's name`,
    })
  if (rollups.findIndex((other) => suffix(other) === suffix(rollup)) < i)
    problems.push({
      path,
      message: `a second rollup that would make table ${printable(table)}_rollup_${printable(suffix(rollup))}`,
      hint: 'give it a name of its own, or add its measures to the first when both have the same dimensions',
    })
  if (rollup.derive_from != null) problems.push(...derivedProblems(rollups, rollup, [...path, 'derive_from']))
  return problems
}

function derivedProblems(rollups: readonly Rollup[], rollup: Rollup, path: KeyPath): Problem[] {
  const name = printable(rollup.derive_from ?? '')
  const source = rollups.find((other) => suffix(other) === rollup.derive_from)
  if (!source || source === rollup) return [{ path, message: `there is no other rollup "${name}"` }]
  if (source.derive_from != null) return [{ path, message: `"${name}" is derived itself; derive from one that is not` }]
  const [from, to] = [grainMs(source.grain), grainMs(rollup.grain)]
  if (from === null || to === null || (to > from && to % from === 0)) return []
  return [{ path, message: `a grain of ${printable(rollup.grain)} is no multiple of ${printable(source.grain)}` }]
}

function columnProblems(rollup: Rollup, path: KeyPath, fields: readonly Field[]): Problem[] {
  const problems: Problem[] = []
  const taken = new Set<string>()
  for (const [j, name] of rollup.dimensions.entries()) {
    const at = [...path, 'dimensions', j]
    if (identity.includes(name))
      problems.push({ path: at, message: `"${printable(name)}" is a column that every rollup has of its own` })
    else if (taken.has(name)) problems.push({ path: at, message: `dimension "${printable(name)}" stands twice` })
    else if (!fields.some((field) => field.name === name)) problems.push(unknownColumn(at, name, fields))
    taken.add(name)
  }
  if (rollup.measures.length === 0)
    problems.push({ path: [...path, 'measures'], message: 'a rollup needs at least one measure' })
  for (const [j, measure] of rollup.measures.entries()) {
    const at = [...path, 'measures', j]
    if (!identifier.test(measure.name))
      problems.push({
        path: [...at, 'name'],
        message: `"${printable(measure.name)}" is no identifier: it becomes a column`,
      })
    else if (taken.has(measure.name) || identity.includes(measure.name))
      problems.push({ path: [...at, 'name'], message: `"${measure.name}" is the name of another column of the rollup` })
    taken.add(measure.name)
    if (measure.filter != null && measure.filter.trim() === '')
      problems.push({ path: [...at, 'filter'], message: 'the filter is empty' })
    const field = fields.find((candidate) => candidate.name === measure.column)
    if (measure.column == null) {
      if (measure.agg !== 'count') problems.push({ path: at, message: `"${measure.agg}" needs a column` })
    } else if (!field) problems.push(unknownColumn([...at, 'column'], measure.column, fields))
    else if (measure.agg === 'tdigest' && !numeric.test(field.type.kind))
      problems.push({
        path: [...at, 'column'],
        message: `tdigest needs a number, and "${printable(field.name)}" is ${field.type.kind}`,
      })
  }
  return problems
}
