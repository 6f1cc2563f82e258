/** Two at once: whatever the order, what is there at the end is what one after the other would have made. */
import { describe, expect, test } from 'vitest'
import { stopSwitch } from '../../support/open.ts'
import { create, load, optimize } from './calls.ts'
import { allInputs, allRows, ndjsonRows, thing } from './inputs.ts'
import { path, ref, type Suite } from './suite.ts'
import { contentOf, countOf } from './world.ts'

export function racing({ under, can, world, tblctl }: Suite): void {
  /** Each of them ends well, or finds the table busy; one at least ends well. */
  const both = async (...calls: (readonly unknown[])[]) => {
    const ended = await Promise.all(calls.map((call) => world().run(call)))
    for (const { code, stdout, stderr } of ended) expect([0, 75], stdout + stderr).toContain(code)
    expect(ended.some(({ code }) => code === 0)).toBe(true)
    return ended
  }

  describe.runIf(can.has('create'))('two processes at once', () => {
    test('create twice', async () => {
      await both(['create', ref, 'things'], ['create', ref, 'things'])
      expect((await create(tblctl(), [ref])).summary.unchanged).toBe(1)
      expect((await tblctl().list({ refs: [] }, true)).items).toMatchObject([
        { ref, schema: 'things', live: 'present' },
      ])
      expect((await tblctl().describe(ref)).status.rows).toBe(0)
    })

    test('create with two schemas: one of them, whole', async () => {
      const ended = await Promise.all([world().run(['create', ref, 'things']), world().run(['create', ref, 'other'])])
      const codes = ended.map(({ code }) => code).sort()
      expect(codes[0]).toBe(0)
      expect([1, 75]).toContain(codes[1])
      const schema = ended[0]!.code === 0 ? 'things' : 'other'
      const described = await tblctl().describe(ref)
      expect(described.spec.schema).toBe(schema)
      expect(described.schema.fields.map((field) => field.name)).toEqual(
        [...(await world().schema(schema)).fields, ...(under.systemColumns ?? [])].map((field) => field.name),
      )
    })

    test.runIf(can.has('load'))('create and load', async () => {
      const [made, loaded] = await Promise.all([
        world().run(['create', ref, 'things']),
        world().run(['load', ref, allInputs]),
      ])
      expect(made.code).toBe(0)
      expect([0, 66, 75], loaded.stdout).toContain(loaded.code)
      await load(tblctl(), world().folder, ref, allInputs)
      expect(await countOf(tblctl(), ref)).toBe(allRows)
    })

    test.runIf(can.has('load'))('the same batch twice, and another', async () => {
      await create(tblctl(), [ref])
      world().write('other.ndjson', thing(50))
      await both(['load', ref, allInputs], ['load', ref, allInputs], ['load', ref, ['other.ndjson']])
      for (const inputs of [allInputs, ['other.ndjson']])
        expect((await load(tblctl(), world().folder, ref, inputs)).summary.failed).toBe(0)
      expect(await countOf(tblctl(), ref)).toBe(allRows + 1)
    })

    test.runIf(can.has('load') && can.has('optimize'))('load and optimize, and optimize twice', async () => {
      await create(tblctl(), [ref])
      for (const input of allInputs) await load(tblctl(), world().folder, ref, [input])
      world().write('other.ndjson', thing(50))
      await both(['load', ref, ['other.ndjson']], ['optimize', ref], ['optimize', ref])
      await load(tblctl(), world().folder, ref, ['other.ndjson'])
      await optimize(tblctl(), [ref])
      await create(tblctl(), ['lake:acme/serial'])
      await load(tblctl(), world().folder, 'lake:acme/serial', [...allInputs, 'other.ndjson'])
      expect(await contentOf(tblctl(), ref, world())).toEqual(await contentOf(tblctl(), 'lake:acme/serial', world()))
    })

    test.runIf(can.has('load'))(
      'a batch that somebody else finishes while we read it is not loaded twice',
      async () => {
        await create(tblctl(), [ref])
        const lines = ndjsonRows.split(/(?<=\n)/)
        await using other = await world().open()
        const slow = await tblctl().load({
          ref,
          inputs: ['-'],
          directory: world().folder,
          format: 'ndjson',
          batchId: 'shared',
          again: false,
          commitRows: null,
          commitBytes: null,
          commitMs: null,
          rejectTo: null,
          dryRun: false,
          input: (async function* () {
            yield Buffer.from(lines[0]!)
            const fast = await load(other, world().folder, ref, ['a.ndjson'], { batchId: 'shared' })
            expect(fast.summary.changed).toBe(1)
            yield Buffer.from(lines.slice(1).join(''))
          })(),
        })
        expect(slow.summary.changed).toBe(0)
        if (slow.summary.failed > 0) expect(slow.items[0]!.error).toMatchObject({ kind: 'busy', retry: 'later' })
        expect(await countOf(tblctl(), ref)).toBe(lines.length)
      },
    )

    /** The command, and as soon as it has begun, without its knowing, somebody else who takes its job over. */
    const overtaken = async (command: (as: ReturnType<typeof tblctl>) => Promise<unknown>) => {
      let other: Promise<unknown> | undefined
      const takeOver = async () => {
        await using catalog = world().catalog()
        for (const lease of await catalog.leases()) await catalog.release(lease.fence)
        await using second = await world().open()
        await command(second)
      }
      await using first = await world().open({
        reporter: {
          log: (_level, message) => {
            if (message.startsWith('begin ')) other ??= takeOver()
          },
        },
      })
      await command(first)
      expect(other).toBeDefined()
      await other
    }

    test.runIf(can.has('load') && can.has('optimize'))(
      'one that lost its lease and does not know it: no row twice, none lost',
      async () => {
        await create(tblctl(), [ref])
        await overtaken((as) => load(as, world().folder, ref, allInputs, { commitRows: 2 }))
        expect((await load(tblctl(), world().folder, ref, allInputs)).summary.failed).toBe(0)
        expect(await countOf(tblctl(), ref)).toBe(allRows)
        for (const input of allInputs) await load(tblctl(), world().folder, ref, [input], { again: true })
        const before = await contentOf(tblctl(), ref, world())
        await overtaken((as) => optimize(as, [ref]))
        expect(await contentOf(tblctl(), ref, world())).toEqual(before)
        expect((await optimize(tblctl(), [ref])).summary.failed).toBe(0)
        expect(await contentOf(tblctl(), ref, world())).toEqual(before)
      },
    )

    test('a lease that is held for a moment is waited for, as long as --lock-timeout says', async () => {
      await using patient = await world().open({ lockTimeoutMs: 20_000, stop: stopSwitch() })
      const held = await world().hold(path, 'exclusive')
      const waiting = create(patient, [ref])
      await new Promise((resolve) => setTimeout(resolve, 250))
      await held[Symbol.asyncDispose]()
      expect((await waiting).summary.changed).toBe(1)
    })
  })
}
