/** What optimize may take of the machine: memory for the whole process, and room for the engine's files. */
import { statfs } from 'node:fs/promises'
import { fail } from '../../../core/errors.ts'
import { formatBytes } from '../../../core/units.ts'
import { type Engine, type EngineOptions, openEngine } from '../../../engine/engine.ts'

/**
 * Node and the program, and the part of the rest that the engine may count as its own: reading and writing Parquet takes memory that it does
 * not count. Measured with 20 columns, one thread (bench/zorder.ts).
 */
const besides = 200_000_000
const counted = 0.75
/** Below it, a row group that is written does not fit beside what else is held: rows that are sorted, or only read. */
const least = { ordered: 500_000_000, asTheyLie: 300_000_000 }
/** From here on there is room for what a second thread takes. */
const enoughForTwo = 1_000_000_000
/** Rows in order are sorted in bulk: more than the engine's own default, and still little. */
const orderingDefault = 600_000_000

/** Throws `usage`/`memory-too-small`. `memory`: bytes of the whole process, null = what is usual. */
export function requireMemory(memory: number | null, ordered: boolean): void {
  const floor = ordered ? least.ordered : least.asTheyLie
  if (memory === null || memory >= floor) return
  throw fail(
    'usage',
    'memory-too-small',
    `--memory ${formatBytes(memory)} is too little to ${ordered ? 'order rows' : 'rewrite files'} in`,
    { hint: `give it at least ${formatBytes(floor)}: the program itself takes about ${formatBytes(besides)}` },
  )
}

/**
 * The engine's default without `memory`, or 600 MB where rows are ordered. One thread where they are: only one writes rows in their order
 * into several files.
 */
export async function openWithin(
  memory: number | null,
  ordered: boolean,
  options: Pick<EngineOptions, 'scratch' | 'signal'>,
): Promise<Engine> {
  requireMemory(memory, ordered)
  if (memory === null && !ordered) return openEngine(options)
  const bytes = memory ?? orderingDefault
  const engine = await openEngine({
    ...options,
    threads: ordered || bytes < enoughForTwo ? 1 : 2,
    memoryLimit: Math.floor((bytes - besides) * counted),
  })
  // What it frees it keeps, up to the double of its limit, if it is not told to give it back.
  for (const setting of ['allocator_flush_threshold', 'allocator_bulk_deallocation_flush_threshold'])
    await engine.run(`SET GLOBAL ${setting} = '1MB'`)
  return engine
}

let turns: Promise<void> = Promise.resolve()

/** Where memory is limited, one table of this process at a time: two engines would take twice of it. */
export async function takeTurn(memory: number | null): Promise<Disposable> {
  if (memory === null) return { [Symbol.dispose]: () => {} }
  const before = turns
  const { promise, resolve } = Promise.withResolvers<void>()
  turns = before.then(() => promise)
  await before
  return { [Symbol.dispose]: resolve }
}

/** A sentence for a person when `folder`, where the engine's files go, has less room than the largest bin may need; else null. */
export async function lackOfRoom(folder: string, needed: number): Promise<string | null> {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  if (free >= needed) return null
  return `${folder} has ${formatBytes(free)} free, and rewriting may need ${formatBytes(needed)} there`
}
