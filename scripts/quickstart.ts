/**
 * `npm run quickstart`: what tblctl does, driver by driver, in a temporary folder; every command is a real one and stands before its output.
 * `npm run quickstart -- --loads 60` for fewer loads, `--only delta,clickhouse` for some parts.
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { TblctlError } from '../src/core/errors.ts'
import { formatDuration } from '../src/core/units.ts'
import { clickhouse } from './quickstart/clickhouse.ts'
import { CommandFailed } from './quickstart/command-runner.ts'
import { delta } from './quickstart/delta.ts'
import { shardedSql } from './quickstart/sharded-sql.ts'
import { directory, write } from './quickstart/stage.ts'
import { sync } from './quickstart/sync.ts'
import { userTables } from './quickstart/user-tables.ts'

const leastLoads = 9
const parts: Readonly<Record<string, (loads: number) => Promise<void>>> = {
  delta,
  clickhouse,
  'sharded-sql': shardedSql,
  'user-tables': userTables,
  sync,
}

function readArguments(): { loads: number; only: readonly string[] } {
  try {
    const options = { loads: { type: 'string', default: '300' }, only: { type: 'string' } } as const
    const { values } = parseArgs({ options })
    const loads = Number(values.loads)
    const only = values.only?.split(',') ?? Object.keys(parts)
    const unknown = only.find((part) => !(part in parts))
    if (unknown !== undefined)
      throw new RangeError(`there is no part "${unknown}"; parts are ${Object.keys(parts).join(', ')}`)
    if (Number.isInteger(loads) && loads >= leastLoads && loads <= 10_000) return { loads, only }
    throw new RangeError(`--loads is a whole number from ${leastLoads} to 10000`)
  } catch (error) {
    process.stderr.write(`error: ${(error as Error).message}\n`)
    process.exit(64)
  }
}

const { loads, only } = readArguments()
const startedAt = performance.now()
// A reader that had enough (`| head`) ends it; without a listener Node would print a stack trace.
process.stdout.on('error', () => process.exit(1))
try {
  for (const part of only) await parts[part]!(loads)
  write(`\n${formatDuration(performance.now() - startedAt)} in all.\n`)
} catch (error) {
  if (error instanceof CommandFailed) process.stderr.write(`\n${error.output}`)
  else if (!(error instanceof TblctlError)) throw error
  process.stderr.write(`\nquickstart: ${error.message}\n`)
  process.exitCode = error instanceof CommandFailed ? error.code : 1
} finally {
  const program = fileURLToPath(new URL('../bin/tblctl.js', import.meta.url))
  write(`\nEverything is in ${directory}. Go on there, or remove it:\n`)
  write(`  cd ${directory} && node ${program} stats --all\n  rm -r ${directory}\n`)
}
