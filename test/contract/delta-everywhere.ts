/** What the delta driver is tested for, wherever its tables lie. */
import type { DriverUnderTest } from './driver/world.ts'

export const deltaEverywhere = {
  kind: 'delta',
  verbs: [
    'register',
    'unregister',
    'create',
    'alter',
    'drop',
    'undrop',
    'trash',
    'load',
    'delete',
    'restore',
    'optimize',
    'vacuum',
    'repair',
    'verify',
    'query',
    'export',
    'history',
    'sync.target',
  ],
  survives: true,
  // They need what was dropped, compacted or lost: test/delta/{trash,vacuum,verify}.test.ts.
  plannedElsewhere: ['undrop', 'vacuum', 'repair'],
  cancelledCreate: 'empty',
} satisfies Partial<DriverUnderTest>
