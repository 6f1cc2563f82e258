/** Which partitions a condition holds for. The engine compares, by the columns' types: a text of the log is no date. */
import type { Field } from '../../../core/types.ts'
import type { Engine } from '../../../engine/engine.ts'
import { quoteIdentifier } from '../../../engine/sql-text.ts'
import { sqlType } from '../../../engine/types.ts'
import type { PartitionValues } from '../log/actions.ts'
import { partitionValuesOf } from '../log/column-mapping.ts'
import type { LiveFile } from '../log/replay.ts'
import type { Snapshot } from '../log/snapshot.ts'
import { storedFields } from '../table.ts'

const table = 'tblctl_partitions'
const number = 'tblctl_partition'

/** The files whose partition makes `condition` true; it reads partition columns only (condition.ts, `partitionOnly`). */
export async function filesInPartitions(
  engine: Engine,
  snapshot: Snapshot,
  files: Iterable<LiveFile>,
  condition: string,
): Promise<LiveFile[]> {
  const { partitionColumns } = snapshot.metadata
  const columns = storedFields(snapshot).filter(({ name }) => partitionColumns.includes(name))
  const groups = Map.groupBy(files, (file) => {
    const values = partitionValuesOf(snapshot, file)
    return JSON.stringify(columns.map(({ name }) => values[name]))
  })
  if (groups.size === 0) return []
  const partitions = [...groups.values()]
  await fill(
    engine,
    columns,
    partitions.map(([file]) => partitionValuesOf(snapshot, file!)),
  )
  const values = columns.map((field, i) => `${typed(field, `p${i}`)} AS ${quoteIdentifier(field.name)}`)
  const rows = await engine.all(
    `SELECT ${number} AS i FROM (SELECT ${[...values, number].join(', ')} FROM ${table}) AS t WHERE (${condition}) ORDER BY i`,
  )
  return rows.flatMap(({ i }) => partitions[Number(i)]!)
}

/** Their texts, as the log has them, with their places in the list. What was there before is gone. */
async function fill(engine: Engine, columns: readonly Field[], partitions: readonly PartitionValues[]): Promise<void> {
  await engine.run(`DROP TABLE IF EXISTS ${table}`)
  const text = (i: number): Field => ({ name: `p${i}`, type: { kind: 'Utf8' }, nullable: true })
  await engine.append(table, {
    fields: [...columns.map((_field, i) => text(i)), { name: number, type: { kind: 'Int32' }, nullable: false }],
    columns: [
      ...columns.map(({ name }) => partitions.map((values) => values[name] ?? null)),
      partitions.map((_values, i) => i),
    ],
    rows: partitions.length,
  })
}

const typed = ({ type }: Field, text: string): string =>
  type.kind === 'Binary' ? `encode(${text})` : `CAST(${text} AS ${sqlType(type)})`
