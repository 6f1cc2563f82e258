/** What a driver says of itself is true, and what it does not say it can is refused in one way. */
import { expect, test } from 'vitest'
import type { OperationVerb, Verb } from '../../../src/core/driver.ts'
import { driverKinds, loadDriver } from '../../../src/drivers/registry.ts'
import { thrown } from './reports.ts'
import { ref, type Suite } from './suite.ts'

/** Every verb there is; the type checker says when one is missing. */
const verbs = Object.keys({
  register: 1,
  unregister: 1,
  create: 1,
  alter: 1,
  drop: 1,
  undrop: 1,
  trash: 1,
  delete: 1,
  restore: 1,
  repair: 1,
  history: 1,
  verify: 1,
  load: 1,
  mutate: 1,
  flush: 1,
  optimize: 1,
  vacuum: 1,
  reshard: 1,
  'tenant.create': 1,
  'tenant.delete': 1,
  'tenant.retention': 1,
  'tenant.list': 1,
  'tenant.describe': 1,
  query: 1,
  export: 1,
  'sync.source': 1,
  'sync.target': 1,
} satisfies Record<Verb, 1>) as Verb[]

/** Verbs that no command gives to a table. */
const elsewhere: readonly Verb[] = ['trash', 'tenant.list', 'tenant.describe', 'sync.source', 'sync.target']

export function declaration({ under, module, can, world, tblctl, provide }: Suite): void {
  test('its module declares just the verbs that the open driver has', async () => {
    const settings = tblctl().config.backends.get('lake')!
    await using driver = await module.open('lake', await settings.resolve(), {
      directory: world().folder,
      env: {},
      scratch: async () => world().file('scratch'),
      registered: async () => [],
      schema: (name) => world().schema(name),
    })
    expect([...module.can].sort()).toEqual(Object.keys(driver.can).sort())
    expect([...module.can].sort()).toEqual([...under.verbs].sort())
    expect(driver.kind).toBe(under.kind)
    expect(module.kind).toBe(under.kind)
  })

  test('its example is a config, its traits are told, its policy says what it needs', () => {
    expect(() => module.config.parse(module.example)).not.toThrow()
    expect(() => module.config.parse({ ...module.example, 'no such key': 1 })).toThrow()
    expect(module.traits).toEqual({
      embedded: expect.any(Boolean),
      verified: expect.any(Boolean),
      users: expect.any(Boolean),
      travel: expect.any(Boolean),
    })
    expect(module.policy(module.config.parse(module.example))).not.toBe('')
  })

  test('doctor finds the backend in order', async () => {
    const checks = await Array.fromAsync(tblctl().doctor())
    expect(checks.filter((check) => check.backend === 'lake').length).toBeGreaterThan(0)
    expect(checks.filter((check) => !check.ok)).toEqual([])
  })

  test.each(verbs.filter((verb) => !can.has(verb) && !elsewhere.includes(verb)))(
    '%s is not declared: refused, naming who can',
    async (verb) => {
      const able: string[] = []
      for (const kind of driverKinds) if ((await loadDriver(kind)).can.includes(verb)) able.push(kind)
      await provide([ref])
      const before = await world().fingerprint()
      const error = await thrown(
        verb === 'query'
          ? tblctl().query(ref, 'select 1')
          : verb === 'export'
            ? tblctl().export(ref, { format: 'csv', out: world().file('out.csv') })
            : tblctl().operate(verb as OperationVerb, { refs: [ref] }, {}),
      )
      expect(error).toMatchObject({ kind: 'unsupported', code: 'unsupported-verb' })
      expect(error.message).toContain(under.kind)
      for (const kind of able) expect(error.hint).toContain(kind)
      expect(await world().fingerprint()).toEqual(before)
    },
  )
}
