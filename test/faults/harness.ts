/**
 * The fault harness: runs a command in a child, kills it at the n-th announcement of a durable write for n = 1, 2, … until it ends by itself,
 * gives the same command again, and compares what is there then with an undisturbed run. A driver brings a scenario and an oracle.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Ended } from '../support/child.ts'

export interface FaultScenario<World extends Disposable | AsyncDisposable> {
  /** A fresh world each time. */
  setUp(): World | Promise<World>
  /** The command, with these variables in its environment. */
  command(world: World, env: Record<string, string>): Promise<Ended>
  /** What must be the same however often it was killed: plain data. */
  oracle(world: World): Promise<unknown>
  /** Kill only at every k-th announcement; the first and the last are always among them. Default 1. A soak kills at all of them. */
  readonly every?: number
}

/** Kill points are sampled where each costs seconds; `npm run soak` tries every one. */
export const sampled = (every: number): number => (process.env.TBLCTL_SOAK === '1' ? 1 : every)

/** Returns how many kill points were tried. At least `least` are expected: fewer means that the announcements went missing. */
export async function killEverywhere<World extends Disposable | AsyncDisposable>(
  scenario: FaultScenario<World>,
  least: number,
): Promise<number> {
  const { expected, steps } = await undisturbed(scenario)
  const every = sampled(scenario.every ?? 1)
  const points = steps.flatMap((_, i) => (i % every === 0 || i === steps.length - 1 ? [i + 1] : []))
  expect(points.length, 'announcements of durable writes').toBeGreaterThanOrEqual(least)
  for (const point of points) {
    await using world = await scenario.setUp()
    const killed = await scenario.command(world, { FAULT_KILL: String(point) })
    const told = `killed at durable step ${point} of ${steps.length} (${steps[point - 1]}):\n${killed.stdout}${killed.stderr}`
    // A run may have a step less than another; then it is simply done.
    if (killed.signal !== 'SIGKILL') expect(killed.code, told).toBe(0)
    const resumed = await scenario.command(world, {})
    expect(resumed.code, `${told}\nthen:\n${resumed.stdout}${resumed.stderr}`).toBe(0)
    expect(await scenario.oracle(world), told).toEqual(expected)
  }
  return points.length
}

/** What a run comes to that nobody kills, and the durable steps that it announces. */
async function undisturbed<World extends Disposable | AsyncDisposable>(scenario: FaultScenario<World>) {
  const folder = mkdtempSync(join(tmpdir(), 'tblctl-steps-'))
  try {
    await using world = await scenario.setUp()
    const count = join(folder, 'steps')
    const ended = await scenario.command(world, { FAULT_COUNT: count })
    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    const steps = existsSync(count) ? readFileSync(count, 'utf8').trim().split('\n') : []
    return { expected: await scenario.oracle(world), steps }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
