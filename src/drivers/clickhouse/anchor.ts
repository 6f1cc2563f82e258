/** The expression that a retention is added to, for a table that has none yet: its schema says it. */
import type { DriverEnvironment } from '../../core/driver.ts'
import { tableDefinition } from './ddl.ts'
import type { Identity } from './identity.ts'
import { rollupSchema, rollups } from './rollups.ts'

/** SQL; null when nothing tells how old a row is. `version`: the server's. */
export async function anchorOf(
  identity: Identity | null,
  environment: DriverEnvironment,
  version: string,
): Promise<string | null> {
  if (identity === null) return null
  if (identity.schema !== null) return tableDefinition(await environment.schema(identity.schema), version).anchor
  const rollup = rollups.find(({ target }) => identity.kind === 'rollup' && target === identity.table)
  return rollup === undefined ? null : tableDefinition(rollupSchema(rollup, null), version).anchor
}
