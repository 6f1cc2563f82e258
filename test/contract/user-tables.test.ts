import { join } from 'node:path'
import { fromSchema, systemFields } from '../../src/drivers/user-tables/definition.ts'
import { HotStore } from '../../src/drivers/user-tables/store.ts'
import { openRegistry } from '../../src/schemas/registry.ts'
import { driverContract } from './driver.ts'

await driverContract({
  kind: 'user-tables',
  verbs: ['register', 'unregister', 'create', 'drop', 'load', 'mutate', 'flush', 'optimize', 'query', 'export'],
  backend: '{ driver: user-tables, hot: hot.db, location: "file:./people/${user_id}/tables" }',
  survives: true,
  // Its own verbs are killed in test/user-tables/killing.test.ts.
  killEvery: 6,
  cancelledCreate: 'gone',
  as: 'U1/../u2 \'"😀',
  systemColumns: systemFields,
  makeOutside: async (directory, project, table) => {
    const schema = await openRegistry([join(directory, 'schemas')]).get('plain')
    const store = new HotStore(join(directory, 'hot.db'))
    store.run(
      'insert into tables (path, definition, job, created_at) values (?, ?, ?, ?)',
      `lake/${project}/${table}`,
      JSON.stringify(fromSchema(schema, { flushPolicy: null, location: null })),
      'another program',
      '2024-05-01T10:00:00.000Z',
    )
    store.close()
  },
})
