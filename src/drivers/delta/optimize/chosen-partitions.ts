/** Files of the partitions that a user's condition holds for. */
import type { ReadContext } from '../../../core/operation.ts'
import { openEngine } from '../../../engine/engine.ts'
import type { LiveFile } from '../log/replay.ts'
import type { Snapshot } from '../log/snapshot.ts'
import { checkCondition, onlyPartitionColumns } from '../rows/condition.ts'
import { filesInPartitions } from '../rows/partition-filter.ts'
import { type Lake, storedFields } from '../table.ts'

/** All files without a condition. `now`: what the condition means by it. Throws what checkCondition throws, `refused`/`not-a-partition-column`. */
export async function chosenFiles(
  lake: Lake,
  snapshot: Snapshot,
  where: string | null,
  now: Date,
  ctx: ReadContext,
): Promise<readonly LiveFile[]> {
  const files = [...snapshot.files.values()]
  if (where === null) return files
  await using engine = await openEngine({ scratch: await lake.environment.scratch(), signal: ctx.signal })
  const condition = await checkCondition(engine, where, storedFields(snapshot), now)
  onlyPartitionColumns(condition, snapshot.metadata.partitionColumns)
  return await filesInPartitions(engine, snapshot, files, condition.sql)
}
