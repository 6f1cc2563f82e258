import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { lackOfRoom, openWithin, requireMemory, takeTurn } from '../../../src/drivers/delta/optimize/resources.ts'

const scratch = mkdtempSync(join(tmpdir(), 'tblctl-resources-'))
afterAll(() => rmSync(scratch, { recursive: true }))

describe('memory of the whole process', () => {
  const told = async (memory: number | null, ordered: boolean) => {
    await using engine = await openWithin(memory, ordered, { scratch })
    const [row] = await engine.all(
      "SELECT current_setting('threads')::INTEGER AS threads, current_setting('memory_limit') AS memory, current_setting('allocator_flush_threshold') AS flush",
    )
    return row
  }
  it('is divided between the engine and what is beside it', async () => {
    expect(await told(600_000_000, true)).toMatchObject({ threads: 1, memory: '286.1 MiB', flush: '976.5 KiB' })
    expect(await told(null, true)).toEqual(await told(600_000_000, true))
    expect(await told(600_000_000, false)).toMatchObject({ threads: 1 })
    expect(await told(2_000_000_000, false)).toMatchObject({ threads: 2, memory: '1.2 GiB' })
    expect(await told(2_000_000_000, true)).toMatchObject({ threads: 1 })
    expect(await told(null, false)).toMatchObject({ threads: 2, memory: '192.0 MiB' })
  })

  it('has a floor', () => {
    for (const [memory, ordered, floor] of [
      [499_999_999, true, '500 MB'],
      [299_999_999, false, '300 MB'],
    ] as const)
      expect(() => requireMemory(memory, ordered)).toThrow(
        expect.objectContaining({
          view: expect.objectContaining({ code: 'memory-too-small', hint: expect.stringContaining(floor) }),
        }),
      )
    for (const fine of [null, 500_000_000]) expect(() => requireMemory(fine, true)).not.toThrow()
  })
})

describe('turns', () => {
  it('come one after the other, also after one that failed; without a limit nobody waits', async () => {
    const order: string[] = []
    const work = async (name: string, error?: Error) => {
      using _turn = await takeTurn(1)
      order.push(`${name} begins`)
      await new Promise((resolve) => setTimeout(resolve, 5))
      order.push(`${name} ends`)
      if (error) throw error
    }
    await Promise.allSettled([work('a', new Error('no')), work('b'), work('c')])
    expect(order).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]))
    using _first = await takeTurn(null)
    using _second = await takeTurn(null)
  })
})

describe('room', () => {
  it('is told when it is too little', async () => {
    expect(await lackOfRoom(scratch, 1)).toBeNull()
    expect(await lackOfRoom(scratch, 1e18)).toMatch(/ free, and rewriting may need 1 EB there$/)
  })
})
