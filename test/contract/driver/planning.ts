/** --dry-run changes nothing and waits for nobody; a plan whose truth has moved is never applied blindly. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { OperationReport } from '../../../src/api/operate.ts'
import type { OperationVerb, Verb } from '../../../src/core/driver.ts'
import { create, load, optimize, register, unregister } from './calls.ts'
import { allInputs, allRows, thing } from './inputs.ts'
import { failure, only } from './reports.ts'
import { path, ref, type Suite } from './suite.ts'
import { contentOf, countOf } from './world.ts'

export function planning({ under, can, world, tblctl, provide }: Suite): void {
  const has = (...verbs: OperationVerb[]) => verbs.every((verb) => can.has(verb))

  describe.runIf(has('create', 'load'))('a plan', () => {
    beforeEach(async () => {
      await create(tblctl(), [ref, 'lake:acme/free'])
      world().write('more.ndjson', thing(20))
      for (const inputs of [['a.ndjson'], ['b.csv']]) await load(tblctl(), world().folder, ref, inputs)
      if (can.has('unregister')) await unregister(tblctl(), ['lake:acme/free'])
      if (can.has('mutate')) await tblctl().operate('mutate', { refs: [ref] }, mutation('update', 'set value = 7'))
    })
    const mutation = (verb: 'update' | 'delete from', rest: string) => ({
      statement: `${verb} acme.things ${rest}`,
      as: under.as ?? null,
    })
    const dryRuns: Partial<Record<OperationVerb, () => Promise<OperationReport>>> = {
      create: () => create(tblctl(), ['lake:acme/new'], 'things', true),
      register: () => register(tblctl(), ['lake:acme/free'], true),
      unregister: () => unregister(tblctl(), [ref], true),
      alter: () => tblctl().operate('alter', { refs: [ref] }, { addColumns: [{ name: 'more', type: 'Utf8' }] }, true),
      delete: () => tblctl().operate('delete', { refs: [ref] }, { where: 'id < 3' }, true),
      restore: () => tblctl().operate('restore', { refs: [ref] }, { version: 0, timestamp: null }, true),
      drop: () => tblctl().operate('drop', { refs: [ref] }, {}, true),
      load: () => load(tblctl(), world().folder, ref, ['more.ndjson'], { dryRun: true }),
      optimize: () => optimize(tblctl(), [ref], true),
      reshard: () => tblctl().operate('reshard', { refs: [ref] }, { shards: 3 }, true),
      mutate: () => tblctl().operate('mutate', { refs: [ref] }, mutation('delete from', 'where id < 3'), true),
      flush: () => tblctl().operate('flush', { refs: [ref] }, {}, true),
      'tenant.create': () => tblctl().provision('tenant.create', ['lake:acme/'], { schemaSet: 'twelve' }, true),
    }
    const elsewhere = under.plannedElsewhere ?? []
    const readOnly: readonly Verb[] = ['query', 'export', 'history', 'verify', 'trash']
    test('every verb that changes something is planned here', () => {
      expect(Object.keys(dryRuns)).toEqual(
        expect.arrayContaining(
          [...can].filter((v) => !readOnly.includes(v) && !v.startsWith('sync.') && !elsewhere.includes(v)),
        ),
      )
    })

    test.each((Object.keys(dryRuns) as OperationVerb[]).filter((verb) => can.has(verb) && !elsewhere.includes(verb)))(
      '%s --dry-run while another process has the whole project to itself: not busy, nothing changed',
      async (verb) => {
        await using _held = await world().hold('lake/acme', 'exclusive')
        const before = await world().fingerprint()
        const item = only(await dryRuns[verb]!(), 'skipped')
        expect(item.plan).toMatchObject({
          changes: expect.any(Number),
          summary: expect.arrayContaining([expect.any(String)]),
        })
        expect(item.plan!.changes).toBeGreaterThan(0)
        expect(JSON.stringify(item.plan).length).toBeLessThan(1_000_000)
        expect(item.job).toBeUndefined()
        expect(await world().fingerprint()).toEqual(before)
      },
    )

    test('without --dry-run it is busy, says with what, and changes nothing', async () => {
      await using _held = await world().hold(path, 'exclusive')
      const before = await world().fingerprint()
      const error = failure(await load(tblctl(), world().folder, ref, ['more.ndjson']))
      expect(error).toMatchObject({ kind: 'busy', retry: 'later', message: expect.stringContaining('hold') })
      expect(await world().fingerprint()).toEqual(before)
    })

    test('planning twice gives the same plan', async () => {
      for (const verb of ['create', 'optimize'] as const)
        if (can.has(verb)) expect((await dryRuns[verb]!()).items).toEqual((await dryRuns[verb]!()).items)
    })
  })

  /** Runs a command that is approved only after somebody else has done something: what was planned is not what is there. */
  const meanwhile = async <T>(
    other: () => Promise<unknown>,
    command: (as: ReturnType<typeof tblctl>) => Promise<T>,
  ) => {
    let done = false
    await using late = await world().open({
      approve: async () => {
        if (!done) await other()
        done = true
        return true
      },
    })
    return command(late)
  }

  describe('a plan whose truth has moved', () => {
    test.runIf(has('create'))(
      'create: with another schema it is refused, with the same one it is the same table',
      async () => {
        const refused = await meanwhile(
          () => create(tblctl(), [ref], 'other'),
          (late) => create(late, [ref]),
        )
        expect(failure(refused).kind).toBe('refused')
        expect((await tblctl().describe(ref)).schema.fields.map((f) => f.name)).toContain('extra')
        const twin = await meanwhile(
          async () => {
            await create(tblctl(), ['lake:acme/twin'])
            await tblctl().label({ refs: ['lake:acme/twin'] }, ['tier=hot'])
          },
          (late) => create(late, ['lake:acme/twin']),
        )
        expect(twin.summary.failed).toBe(0)
        expect((await tblctl().list({ refs: [] }, true)).items).toMatchObject([
          { ref, labels: {} },
          { ref: 'lake:acme/twin', labels: { tier: 'hot' } },
        ])
      },
    )

    test.runIf(has('register', 'unregister'))('register: what was registered meanwhile keeps its labels', async () => {
      await provide([ref])
      await unregister(tblctl(), [ref])
      await meanwhile(
        async () => {
          await register(tblctl(), [ref])
          await tblctl().label({ refs: [ref] }, ['tier=hot'])
        },
        (late) => register(late, [ref]),
      )
      expect((await tblctl().list({ refs: [ref] })).items).toMatchObject([{ ref, labels: { tier: 'hot' } }])
    })

    test('label: two labels given at once are both there', async () => {
      await provide([ref])
      await meanwhile(
        () => tblctl().label({ refs: [ref] }, ['tier=hot']),
        (late) => late.label({ refs: [ref] }, ['owner=me']),
      )
      expect((await tblctl().list({ refs: [ref] })).items[0]!.labels).toEqual({ tier: 'hot', owner: 'me' })
    })

    test.runIf(has('unregister'))('unregister: gone is gone, and said once', async () => {
      await provide([ref])
      const late = await meanwhile(
        () => unregister(tblctl(), [ref]),
        (late) => unregister(late, [ref]),
      )
      expect(late.summary).toMatchObject({ changed: 0, failed: 0 })
      expect((await tblctl().list({ refs: [] })).items).toEqual([])
    })

    test.runIf(has('create', 'unregister', 'load'))(
      'load: into a table that was unregistered meanwhile, all or nothing, and said',
      async () => {
        await create(tblctl(), [ref])
        const late = await meanwhile(
          () => unregister(tblctl(), [ref]),
          (late) => load(late, world().folder, ref, ['a.ndjson']),
        )
        await register(tblctl(), [ref])
        expect(await countOf(tblctl(), ref)).toBe(late.summary.changed === 1 ? 3 : 0)
      },
    )

    test.runIf(has('create', 'load'))('load: a batch that was loaded meanwhile is not loaded twice', async () => {
      await create(tblctl(), [ref])
      const late = await meanwhile(
        () => load(tblctl(), world().folder, ref, allInputs),
        (late) => load(late, world().folder, ref, allInputs),
      )
      expect(late.summary).toMatchObject({ changed: 0, failed: 0 })
      expect(await countOf(tblctl(), ref)).toBe(allRows)
    })

    test.runIf(has('create', 'load', 'optimize'))(
      'optimize: what was optimized, or loaded, meanwhile stays whole',
      async () => {
        await create(tblctl(), [ref])
        for (const input of allInputs) await load(tblctl(), world().folder, ref, [input])
        const before = await contentOf(tblctl(), ref, world())
        const late = await meanwhile(
          () => optimize(tblctl(), [ref]),
          (late) => optimize(late, [ref]),
        )
        expect(late.summary).toMatchObject({ changed: 0, failed: 0 })
        expect(await contentOf(tblctl(), ref, world())).toEqual(before)
        await load(tblctl(), world().folder, ref, allInputs, { again: true })
        await load(tblctl(), world().folder, ref, ['a.ndjson'], { again: true })
        world().write('new.ndjson', thing(30))
        await meanwhile(
          () => load(tblctl(), world().folder, ref, ['new.ndjson']),
          (late) => optimize(late, [ref]),
        )
        expect(await countOf(tblctl(), ref)).toBe(2 * allRows + 3 + 1)
      },
    )
  })
}
