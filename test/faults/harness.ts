/**
 * The fault harness: runs a command in a child, kills it at the n-th announcement of a durable write for n = 1, 2, … until it ends by itself,
 * gives the same command again, and compares what is there then with an undisturbed run. A driver brings a scenario and an oracle.
 */
import { expect } from 'vitest'
import type { Ended } from '../support/child.ts'

export interface FaultScenario<World extends Disposable> {
  /** A fresh world each time. */
  setUp(): World | Promise<World>
  /** The command, with these variables in its environment. */
  command(world: World, env: Record<string, string>): Promise<Ended>
  /** What must be the same however often it was killed: plain data. */
  oracle(world: World): Promise<unknown>
  /** Kill only at every k-th announcement; the first and the last are always among them. Default 1. */
  readonly every?: number
}

/** Returns how many kill points were tried. At least `least` are expected: fewer means that the announcements went missing. */
export async function killEverywhere<World extends Disposable>(
  scenario: FaultScenario<World>,
  least: number,
): Promise<number> {
  const { every = 1 } = scenario
  let expected: unknown
  {
    using world = await scenario.setUp()
    const undisturbed = await scenario.command(world, {})
    expect(undisturbed.code, undisturbed.stdout + undisturbed.stderr).toBe(0)
    expected = await scenario.oracle(world)
  }
  let points = 0
  for (let n = 1; ; n += every) {
    using world = await scenario.setUp()
    const killed = await scenario.command(world, { FAULT_KILL: String(n) })
    if (killed.signal !== 'SIGKILL') {
      expect(killed.code, killed.stdout + killed.stderr).toBe(0)
      expect(points).toBeGreaterThanOrEqual(least)
      return points
    }
    const resumed = await scenario.command(world, {})
    const told = `killed at durable step ${n}, then:\n${resumed.stdout}${resumed.stderr}`
    expect(resumed.code, told).toBe(0)
    expect(await scenario.oracle(world), told).toEqual(expected)
    points++
  }
}
