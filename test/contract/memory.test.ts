import { join } from 'node:path'
import { MemoryStore } from '../../src/drivers/memory/store.ts'
import { openRegistry } from '../../src/schemas/registry.ts'
import { driverContract } from './driver.ts'

await driverContract({
  kind: 'memory',
  verbs: [
    'register',
    'unregister',
    'create',
    'load',
    'optimize',
    'reshard',
    'flush',
    'tenant.create',
    'query',
    'export',
    'sync.source',
    'sync.target',
  ],
  backend: '{ driver: memory, file: memory.db }',
  survives: true,
  cancelledCreate: 'gone',
  makeOutside: async (directory, project, table) => {
    const schema = await openRegistry([join(directory, 'schemas')]).get('plain')
    const store = new MemoryStore(join(directory, 'memory.db'))
    store.run(
      'insert into tables (path, schema, generation, job) values (?, ?, 1, ?)',
      `lake/${project}/${table}`,
      JSON.stringify(schema),
      'another program',
    )
    store.close()
  },
})
