/** create, register, unregister, and what describe, stats and list say of the result. */
import { describe, expect, test } from 'vitest'
import { formatType } from '../../../src/core/types.ts'
import { create, load, register, unregister } from './calls.ts'
import { allInputs } from './inputs.ts'
import { failure, only, thrown } from './reports.ts'
import { ref, type Suite } from './suite.ts'
import { contentOf, countOf } from './world.ts'

export function provisioning({ under, can, world, tblctl, provide }: Suite): void {
  describe.runIf(can.has('create'))('create', () => {
    test('what is described is what was asked for', async () => {
      const item = only(await create(tblctl(), [ref]), 'changed')
      expect(item).toMatchObject({ ref, job: expect.any(String), plan: { changes: expect.any(Number) } })
      const schema = await world().schema('things')
      const described = await tblctl().describe(ref)
      expect(described.schema.fields).toEqual(
        [...schema.fields, ...(under.systemColumns ?? [])].map(({ type, ...field }) => ({
          ...field,
          type: formatType(type),
        })),
      )
      expect(described.schema.partitions).toEqual(schema.partitions)
      expect(described.spec).toMatchObject({ driver: under.kind, schema: 'things' })
      expect(described.status.rows).toBe(0)
    })

    test('an empty table has exactly no rows; what is unknown is null with a reason', async () => {
      await create(tblctl(), [ref])
      for (const exact of [false, true]) {
        const [stats] = await tblctl().stats({ refs: [ref] }, exact)
        expect(stats!.status.rows).toBe(0)
        const unknown = Object.entries(stats!.status).flatMap(([name, value]) => (value === null ? [name] : []))
        expect(Object.keys(stats!.unknown).sort()).toEqual(unknown.sort())
        for (const reason of Object.values(stats!.unknown)) expect(reason).not.toBe('')
      }
    })

    test('again: unchanged, no job, one audit line', async () => {
      await create(tblctl(), [ref])
      const jobs = (await world().jobs()).length
      const lines = (await tblctl().audit({})).length
      const again = only(await create(tblctl(), [ref]), 'unchanged')
      expect(again.job).toBeUndefined()
      expect(await world().jobs()).toHaveLength(jobs)
      const audit = await tblctl().audit({})
      expect(audit).toHaveLength(lines + 1)
      expect(audit[0]).toMatchObject({ ref, verb: 'create', outcome: 'unchanged', job: null })
    })

    test('with another schema: refused by name, the table is as it was', async () => {
      await create(tblctl(), [ref])
      const before = await tblctl().describe(ref)
      const error = failure(await create(tblctl(), [ref], 'other'))
      expect(error.kind).toBe('refused')
      expect(JSON.stringify(error)).toContain(ref)
      expect(await tblctl().describe(ref)).toEqual(before)
    })

    test('a schema that is not there: missing, nothing is made', async () => {
      const error = failure(await create(tblctl(), [ref], 'thingz'))
      expect(error.kind).toBe('missing')
      expect((await tblctl().list({ refs: [] }, true)).items).toEqual([])
      expect(await world().jobs()).toEqual([])
    })

    test('an option that no verb knows is a usage error', async () => {
      expect(await thrown(tblctl().provision('create', [ref], { schema: 'things', shape: 1 }))).toMatchObject({
        kind: 'usage',
        message: expect.stringContaining('shape'),
      })
    })

    test('it is listed, from the catalog and live; a name that only begins alike is another table', async () => {
      await create(tblctl(), [ref, 'lake:acme/things2', 'lake:acme2/things'])
      expect((await tblctl().list({ refs: ['lake:acme/*'] })).items.map((item) => item.ref)).toEqual([
        ref,
        'lake:acme/things2',
      ])
      const live = await tblctl().list({ refs: [] }, true)
      expect(live.errors).toEqual([])
      expect(live.items.map((item) => [item.ref, item.live])).toEqual([
        [ref, 'present'],
        ['lake:acme/things2', 'present'],
        ['lake:acme2/things', 'present'],
      ])
      for (const item of live.items)
        for (const fact of Object.values(item.facts ?? {})) expect(fact).not.toBe(undefined)
    })
  })

  describe.runIf(can.has('register') && can.has('unregister'))('register', () => {
    test('what is not there: missing, nothing registered, no job', async () => {
      const error = failure(await register(tblctl(), ['lake:acme/nothing']))
      expect(error.kind).toBe('missing')
      expect((await tblctl().list({ refs: [] })).items).toEqual([])
      expect(await world().jobs()).toEqual([])
    })

    test('again: unchanged, no job, one audit line', async () => {
      await provide([ref])
      const jobs = (await world().jobs()).length
      only(await register(tblctl(), [ref]), 'unchanged')
      expect(await world().jobs()).toHaveLength(jobs)
      expect((await tblctl().audit({}))[0]).toMatchObject({ ref, verb: 'register', outcome: 'unchanged' })
    })

    test('unregister keeps the data: live it is unregistered, registered again it has the same rows', async () => {
      await provide([ref])
      if (can.has('load')) await load(tblctl(), world().folder, ref, allInputs)
      const state = async () => ({
        content: can.has('export') ? await contentOf(tblctl(), ref, world()) : null,
        schema: (await tblctl().describe(ref)).schema,
      })
      const before = await state()
      only(await unregister(tblctl(), [ref]), 'changed')
      expect((await tblctl().list({ refs: [] })).items).toEqual([])
      expect((await tblctl().list({ refs: [] }, true)).items).toMatchObject([{ ref, live: 'unregistered' }])
      expect(await thrown(tblctl().describe(ref))).toMatchObject({ kind: 'missing', code: 'table-not-found' })
      only(await register(tblctl(), [ref]), 'changed')
      expect(await state()).toEqual(before)
    })

    test('unregister of what is not registered: missing, with what to try', async () => {
      const error = await thrown(unregister(tblctl(), ['lake:acme/thingz']))
      expect(error).toMatchObject({ kind: 'missing', hint: expect.stringContaining('tblctl list') })
    })

    test.runIf(under.makeOutside !== null)('adopts what another program made', async () => {
      await under.makeOutside!(world().folder, 'acme', 'foreign')
      expect((await tblctl().list({ refs: [] }, true)).items).toMatchObject([
        { ref: 'lake:acme/foreign', live: 'unregistered' },
      ])
      only(await register(tblctl(), ['lake:acme/foreign']), 'changed')
      expect((await tblctl().describe('lake:acme/foreign')).schema.fields).toEqual([
        { name: 'id', type: 'Int64', nullable: false },
        { name: 'note', type: 'Utf8', nullable: true },
        ...(under.systemColumns ?? []).map(({ type, ...field }) => ({ ...field, type: formatType(type) })),
      ])
      const jobs = (await world().jobs()).length
      only(await register(tblctl(), ['lake:acme/foreign']), 'unchanged')
      expect(await world().jobs()).toHaveLength(jobs)
      if (!can.has('load')) return
      world().write('row.ndjson', '{"id":1,"note":"one"}\n')
      only(await load(tblctl(), world().folder, 'lake:acme/foreign', ['row.ndjson']), 'changed')
      expect(await countOf(tblctl(), 'lake:acme/foreign')).toBe(1)
    })
  })
}
