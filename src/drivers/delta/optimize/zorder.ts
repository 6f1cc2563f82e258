/**
 * Rows along a Z-order curve: for each column the share of rows whose value comes before (so any type that has an order will do, however
 * its values are spread), the bits of those shares interleaved. Only the combinations of values are sorted for that, never whole rows.
 */
import type { Field } from '../../../core/types.ts'
import type { Engine } from '../../../engine/engine.ts'
import { quoteIdentifier } from '../../../engine/sql-text.ts'

const combinations = 'tblctl_combinations'
const curve = 'tblctl_curve'
/** Of a place on the curve; it is a BIGINT, and has a sign. */
const mostBits = 60
/** Of one column: 65,536 steps are finer than any number of files. */
const mostColumnBits = 16

/**
 * A SELECT of the same columns, in the order of the curve, over a table of the engine that it makes. Nulls are last, equal values lie
 * together. `columns`: two or more.
 */
export async function alongCurve(engine: Engine, select: string, columns: readonly Field[]): Promise<string> {
  const names = columns.map(({ name }) => quoteIdentifier(name))
  const keys = columns.map((_column, i) => `k${i}`)
  const values = names.map((name, i) => `${name} AS k${i}`)
  await engine.run(
    `CREATE OR REPLACE TABLE ${combinations} AS SELECT ${values.join(', ')}, count(*)::DOUBLE AS n FROM (${select}) GROUP BY ALL`,
  )
  const bits = Math.min(mostColumnBits, Math.floor(mostBits / columns.length))
  const steps = 2 ** bits
  // Peers of one value have one sum: the share of rows up to and with it.
  const shares = keys.map(
    (key) =>
      `least(${steps - 1}, floor(sum(n) OVER (ORDER BY ${key} NULLS LAST) / total * ${steps}))::BIGINT AS s${key.slice(1)}`,
  )
  await engine.run(
    `CREATE OR REPLACE TABLE ${curve} AS SELECT ${keys.join(', ')}, ${interleaved(columns.length, bits)} AS place FROM (SELECT ${keys.join(', ')}, ${shares.join(', ')} FROM ${combinations}, (SELECT sum(n) AS total FROM ${combinations}))`,
  )
  await engine.run(`DROP TABLE ${combinations}`)
  const match = names.map((name, i) => `r.${name} IS NOT DISTINCT FROM c.k${i}`).join(' AND ')
  return `SELECT r.* FROM (${select}) AS r JOIN ${curve} AS c ON ${match} ORDER BY c.place`
}

export const leaveCurve = (engine: Engine): Promise<void> => engine.run(`DROP TABLE IF EXISTS ${curve}`)

/** Bit `b` of column `c` becomes bit `b × columns + (columns − 1 − c)`: the first column decides first. */
function interleaved(columns: number, bits: number): string {
  const terms: string[] = []
  for (let bit = 0; bit < bits; bit++)
    for (let column = 0; column < columns; column++)
      terms.push(`(((s${column} >> ${bit}) & 1) << ${bit * columns + columns - 1 - column})`)
  return terms.join(' | ')
}
