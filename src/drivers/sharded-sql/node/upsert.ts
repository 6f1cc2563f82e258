/** ON CONFLICT of an upsert, which both engines read alike: a row replaces the one of its key unless that one is newer. */
import { keyColumns, type Shard, type Topology } from '../topology.ts'
import { physicalColumns, quoted } from './layout.ts'

export function upsertClause(topology: Topology, shard: Shard, newest: string | null): string {
  const key = keyColumns(topology)
  const rest = physicalColumns(topology).filter((column) => !key.includes(column.name))
  const set = rest.map(({ name }) => `${quoted(name)} = excluded.${quoted(name)}`).join(', ')
  const there = newest === null ? '' : `${quoted(shard.name)}.${quoted(newest)}`
  const unlessNewer = newest === null ? '' : ` where ${there} is null or excluded.${quoted(newest)} >= ${there}`
  return ` on conflict (${key.map(quoted).join(', ')}) do update set ${set}${unlessNewer}`
}
