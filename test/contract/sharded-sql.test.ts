import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openIn } from '../support/open.ts'
import { create } from './driver/calls.ts'
import { driverContract } from './driver.ts'

await driverContract({
  kind: 'sharded-sql',
  verbs: ['register', 'unregister', 'create', 'drop', 'load', 'optimize', 'query', 'export', 'sync.target'],
  name: 'sharded-sql on SQLite nodes',
  backend: '{ driver: sharded-sql, shards: 2, nodes: { n1: "sqlite:nodes/n1", n2: "sqlite:nodes/n2" } }',
  survives: true,
  optimizes: 'space',
  cancelledCreate: 'gone',
  killEvery: 6,
  // Another installation of tblctl, with a catalog of its own, over the same nodes.
  makeOutside: async (directory, project, table) => {
    const other = mkdtempSync(join(directory, 'other-'))
    const nodes = `n1: "sqlite:${directory}/nodes/n1", n2: "sqlite:${directory}/nodes/n2"`
    writeFileSync(
      join(other, 'tblctl.yaml'),
      `version: 1\nschemas: [../schemas]\nbackends:\n  lake: { driver: sharded-sql, shards: 2, nodes: { ${nodes} } }\n`,
    )
    {
      await using tblctl = await openIn(other)
      const { summary } = await create(tblctl, [`lake:${project}/${table}`], 'plain')
      if (summary.changed !== 1) throw new Error('the table was not made')
    }
    rmSync(other, { recursive: true })
  },
})
