/** One lane of a pass: while a page is written the next one is read, and never more than that. */
import { fail } from '../core/errors.ts'
import type { Cursor, Page } from '../core/sync.ts'
import { patiently, readingFor } from './ends.ts'
import { ensure } from './ensure.ts'
import { inspect, whereOf } from './inspect.ts'
import { lagOf, phaseOf } from './phases.ts'
import { isPaused, type Pass } from './run.ts'

/** What a page may hold, whatever its rows: two of them are in memory at once. */
const pageBytes = 8 * 1024 * 1024
const nullStart: Cursor = { lane: 'null', time: null, key: null }

/**
 * Reads from `from` to the end of its lane. `following`: where the next lane begins; null = this is the last, and its end is the pass's.
 * False when it was told to pause; then what was written is the target's checkpoint.
 */
export async function readLane(
  pass: Pass,
  from: Cursor,
  following: Cursor | null,
  saved: () => Promise<void>,
): Promise<boolean> {
  const { ctx, writer } = pass
  const abandoned = new AbortController()
  const signal = AbortSignal.any([ctx.signal, abandoned.signal])
  const read = (cursor: Cursor): Promise<Page> => {
    const page = readPage(pass, cursor, signal)
    page.catch(() => {}) // it is told when its turn comes
    return page
  }
  let reading = read(from)
  try {
    for (let at = from; ; ) {
      const page = await reading
      if (page.more && sameCursor(page.next, at)) throw stuck(pass)
      pass.billedBytes = page.billedBytes === null ? pass.billedBytes : (pass.billedBytes ?? 0) + page.billedBytes
      if (page.more) reading = read(page.next)
      await followColumns(pass, page)
      const next = page.more || following === null ? page.next : following
      await writer.write(page, pass.inspected, { cursor: next, lane: at.lane, end: !page.more })
      if (at.lane === 'time') {
        pass.lagSeconds = page.more ? lagOf(page.next, pass.until) : 0
        pass.phase = phaseOf(pass.lagSeconds, pass.spec)
      }
      await saved()
      if (!page.more) return true
      if (isPaused(ctx)) return false
      at = page.next
    }
  } finally {
    abandoned.abort(new Error('the page is not wanted any more'))
    await reading.catch(() => {})
  }
}

/** Rows without a time, counted up to `most` and not written. */
export async function countNulls(pass: Pass, most: number): Promise<number> {
  let rows = 0
  for (let at = nullStart; rows < most; ) {
    const page = await readPage(pass, at, pass.ctx.signal)
    rows += page.batch.rows
    if (!page.more) break
    if (sameCursor(page.next, at)) throw stuck(pass)
    at = page.next
  }
  return rows
}

function readPage(pass: Pass, from: Cursor, signal: AbortSignal): Promise<Page> {
  const { ends, spec, ctx, until, inspected } = pass
  const reading = { ...readingFor(ctx, ends.source.records), signal }
  const phase = from.lane === 'time' && from.time !== null ? phaseOf(lagOf(from, until), spec) : pass.phase
  const limit = { rows: spec.batchRows[phase], bytes: pageBytes }
  return patiently(spec, ctx, () => ends.source.port.page(spec.source, inspected.facts, from, until, limit, reading))
}

/** Columns that the source got, lost or widened since it was inspected: the target is asked to follow before it gets the page. */
async function followColumns(pass: Pass, { batch }: Page): Promise<void> {
  const { spec, ctx, ends } = pass
  if (JSON.stringify(batch.fields) === JSON.stringify(pass.inspected.facts.fields)) return
  const { known: _, stored: __, ...now } = await patiently(spec, ctx, () => inspect(ends, spec, ctx.subject.path, ctx))
  pass.inspected = { ...pass.inspected, ...now, facts: { ...now.facts, marker: null } }
  await ensure(pass)
}

const sameCursor = (a: Cursor, b: Cursor): boolean =>
  a.lane === b.lane && a.time === b.time && JSON.stringify(a.key) === JSON.stringify(b.key)

function stuck({ spec }: Pass): Error {
  return fail('failed', 'source-stuck', 'the source gives the same page again and again', { where: whereOf(spec) })
}
