/** A piece of work and its limit, in processes of their own that take turns, so that a drift of the machine hits both. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Measured {
  /** Seconds. */
  readonly wall: number
  readonly cpu: number
  /** Megabytes: the peak of the whole process. */
  readonly rss: number
  readonly bytes: number
}

/** In the child: prints what the work took. It gives the bytes that it wrote. */
export async function measured(work: () => Promise<number>): Promise<void> {
  const begin = performance.now()
  const before = process.cpuUsage()
  const bytes = await work()
  const cpu = process.cpuUsage(before)
  const result: Measured = {
    wall: (performance.now() - begin) / 1000,
    cpu: (cpu.user + cpu.system) / 1e6,
    rss: (process.resourceUsage().maxRSS * 1024) / 1e6,
    bytes,
  }
  process.stdout.write(JSON.stringify(result))
}

/** `make` fills a folder; each run of `self WHO FOLDER` gets a copy of it at the same place. The first run of each does not count. */
export async function inTurns<Who extends string>(
  self: string,
  whos: readonly Who[],
  runs: number,
  make: (folder: string) => Promise<void>,
): Promise<Record<Who, Measured[]>> {
  const folder = mkdtempSync(join(tmpdir(), 'tblctl-bench-'))
  const [world, template] = [join(folder, 'world'), join(folder, 'template')]
  try {
    await make(world)
    renameSync(world, template)
    const results = Object.fromEntries(whos.map((who) => [who, [] as Measured[]])) as Record<Who, Measured[]>
    for (let run = -1; run < runs; run++)
      for (const who of whos) {
        cpSync(template, world, { recursive: true })
        const child = spawnSync(process.execPath, ['--no-warnings', self, who, world], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        if (child.status !== 0) throw new Error(`${who} ended with ${child.status}`)
        if (run >= 0) results[who].push(JSON.parse(child.stdout) as Measured)
        rmSync(world, { recursive: true })
      }
    return results
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]!

export function lineOf(who: string, runs: readonly Measured[], rows: number): string {
  const of = (pick: (m: Measured) => number) => median(runs.map(pick))
  return `${who.padEnd(8)} wall ${of((m) => m.wall).toFixed(2)} s   cpu ${of((m) => m.cpu).toFixed(2)} s   peak ${Math.max(...runs.map((m) => m.rss)).toFixed(0)} MB   out ${(of((m) => m.bytes) / 1e6).toFixed(1)} MB   ${(rows / of((m) => m.wall) / 1e6).toFixed(2)} M rows/s`
}

/** Of the speeds: 1 = as fast as the limit. */
export const ratioOf = (limit: readonly Measured[], own: readonly Measured[]): number =>
  median(limit.map((m, i) => m.wall / own[i]!.wall))
