/** optimize: fewer files, the same rows. */
import { beforeEach, describe, expect, test } from 'vitest'
import { create, load, optimize } from './calls.ts'
import { thing } from './inputs.ts'
import { only } from './reports.ts'
import { path, ref, type Suite } from './suite.ts'
import { contentOf } from './world.ts'

export function optimizing({ under, can, world, tblctl }: Suite): void {
  describe.runIf(can.has('optimize') && can.has('load'))('optimize', () => {
    beforeEach(async () => {
      await create(tblctl(), [ref])
      for (let i = 1; i <= 4; i++) {
        world().write(`part-${i}.ndjson`, thing(i) + thing(i + 10))
        await load(tblctl(), world().folder, ref, [`part-${i}.ndjson`])
      }
    })
    const files = async () => (await tblctl().stats({ refs: [ref] }, true))[0]!.status.files as number

    test('the same rows, and the report says in how many bytes', async () => {
      const before = await contentOf(tblctl(), ref, world())
      const { result } = only(await optimize(tblctl(), [ref]), 'changed')
      expect(Number(result!.bytesBefore)).toBeGreaterThan(0)
      expect(Number(result!.bytesAfter)).toBeGreaterThan(0)
      expect(await contentOf(tblctl(), ref, world())).toEqual(before)
    })

    test.runIf(under.optimizes !== 'space')('in fewer files, and the report says how many', async () => {
      const before = { content: await contentOf(tblctl(), ref, world()), files: await files() }
      const { result } = only(await optimize(tblctl(), [ref]), 'changed')
      expect(result).toMatchObject({
        filesRemoved: expect.any(Number),
        filesAdded: expect.any(Number),
        bytesBefore: expect.any(Number),
        bytesAfter: expect.any(Number),
      })
      const removed = Number(result!.filesRemoved)
      const added = Number(result!.filesAdded)
      expect(removed).toBeGreaterThan(added)
      expect(added).toBeGreaterThan(0)
      expect(Number(result!.bytesBefore)).toBeGreaterThan(0)
      expect(Number(result!.bytesAfter)).toBeGreaterThan(0)
      expect(await files()).toBe(before.files - removed + added)
      expect(await contentOf(tblctl(), ref, world())).toEqual(before.content)
    })

    test('again: unchanged, no job, one audit line', async () => {
      await optimize(tblctl(), [ref])
      const jobs = (await world().jobs(path)).length
      const count = await files()
      expect(only(await optimize(tblctl(), [ref]), 'unchanged').job).toBeUndefined()
      expect(await world().jobs(path)).toHaveLength(jobs)
      expect(await files()).toBe(count)
      expect((await tblctl().audit({ ref, limit: 1 }))[0]).toMatchObject({ verb: 'optimize', outcome: 'unchanged' })
    })

    test('a table without rows has nothing to optimize', async () => {
      await create(tblctl(), ['lake:acme/empty'])
      only(await optimize(tblctl(), ['lake:acme/empty']), 'unchanged')
    })
  })
}
