/** Statements killed at their durable steps: the same statement goes on. Every step of every operation is in the drivers' own suites. */
import { fileURLToPath } from 'node:url'
import { describe, it } from 'vitest'
import { killEverywhere } from '../../faults/harness.ts'
import { spawnCli } from '../../support/run-cli.ts'
import { openWorld, type World } from '../tables/world.ts'

const config = `version: 1
backends:
  shop: { driver: sharded-sql, nodes: { n1: "sqlite:.tblctl/n1", n2: "sqlite:.tblctl/n2" } }
`
const preload = fileURLToPath(new URL('../../faults/preload.ts', import.meta.url))
const create = 'CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, name TEXT NOT NULL) /* SHARDS=2 */'

const run = (world: World, argv: readonly string[], env: Record<string, string>) =>
  spawnCli(argv, { cwd: world.folder, env: { ...env, NODE_OPTIONS: `--import ${preload}` } }).result

const tables = async (world: World) => {
  const list = await world.json('list', '--live')
  const stats = list.items.length > 0 ? (await world.json('stats', 'shop:users')).status.shards : []
  return {
    tables: list.items.map(({ ref, live }: { ref: string; live: string }) => [ref, live]),
    shards: stats.map(({ id, node, status }: { id: number; node: string; status: string }) => [id, node, status]),
  }
}

describe('killed anywhere', () => {
  it('CREATE TABLE IF NOT EXISTS goes on', { timeout: 120_000 }, async () => {
    await killEverywhere(
      {
        setUp: () => openWorld(config),
        command: (world, env) => run(world, ['sql', create, '-y'], env),
        oracle: tables,
        every: 8,
      },
      3,
    )
  })

  it('DROP TABLE IF EXISTS goes on', { timeout: 120_000 }, async () => {
    await killEverywhere(
      {
        setUp: async () => {
          const world = await openWorld(config)
          await world.ok('sql', create, '-y')
          return world
        },
        command: (world, env) =>
          run(world, ['sql', 'DROP TABLE IF EXISTS users', '--confirm', 'shop:default/users'], env),
        oracle: tables,
        every: 8,
      },
      3,
    )
  })
})
