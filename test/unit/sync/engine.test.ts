/** What real ends will not do when asked: answers that are lost, ends that cannot be reached, somebody else who writes. */
import { describe, expect, test } from 'vitest'
import type { RecordWrite } from '../../../src/core/catalog.ts'
import { errorView, Fenced, fail } from '../../../src/core/errors.ts'
import type { RunContext } from '../../../src/core/operation.ts'
import type { Checkpoint, Cursor, Page, SourceFacts, SyncSource, SyncTarget } from '../../../src/core/sync.ts'
import { parseType } from '../../../src/core/types.ts'
import { syncRun } from '../../../src/sync/operation.ts'
import { type SyncSpec, syncSpec } from '../../../src/sync/spec.ts'

const spec: SyncSpec = syncSpec.parse({
  id: 'a',
  source: {
    ...{ backend: 'src', dataset: 'd', table: 't', timestampColumn: 'ts', columns: null, key: null, appendOnly: false },
  },
  target: 'dst/default/t',
  batchRows: { initial: 1, catchup: 1, steady: 1 },
  thresholds: { catchup: 3600, steady: 300 },
  ...{ lookbackMs: null, lagMs: 0, nullTimestamps: 'sync', startTimestamp: null },
  retry: { attempts: 2, initialMs: 10, multiplier: 2 },
})
const fields = [
  { name: 'id', type: parseType('Int64'), nullable: false },
  { name: 'ts', type: parseType('Timestamp(Microsecond, Some("UTC"))'), nullable: false },
]
const facts: SourceFacts = { fields, key: ['id'], marker: 'm', highWater: '2026-01-01T00:00:00.000000Z' }
const times = ['2025-01-01T00:00:00.000000Z', '2025-01-02T00:00:00.000000Z']

/** Two rows, a page each. */
function source(): SyncSource {
  const page = (from: Cursor): Page => {
    const at = times.findIndex((one) => from.time === null || one > from.time)
    const time = times[at]
    const rows = time === undefined ? 0 : 1
    const columns = rows === 0 ? [[], []] : [[BigInt(at)], [BigInt(Date.parse(time!)) * 1000n]]
    const next: Cursor = rows === 0 ? from : { lane: 'time', time: time!, key: [String(at)] }
    return { batch: { fields, columns, rows }, next, more: at >= 0 && at < times.length - 1, billedBytes: 10 }
  }
  return { inspect: async () => facts, page: async (_table, _facts, from) => page(from), count: async () => 0 }
}

class Target implements SyncTarget {
  readonly commits = 'transaction'
  stored: Checkpoint | null = null
  rows = 0
  /** Answers in place of the true ones, oldest first; `lost`: written, and then the connection breaks. */
  readonly faults: ('lost' | 'down' | 'fenced' | 'overtaken')[] = []
  ensure = async () => ({ created: false, added: [] })
  checkpoint = async () => this.stored
  async write(_table: unknown, page: { batch: { rows: number } }, from: Checkpoint | null, to: Checkpoint) {
    const fault = this.faults.shift()
    if (fault === 'down') throw unreachable()
    if (fault === 'fenced') return 'fenced' as const
    if (fault === 'overtaken') this.stored = { ...to, sequence: 99 }
    if (this.stored?.sequence !== from?.sequence) return 'moved' as const
    this.stored = to
    this.rows += page.batch.rows
    if (fault === 'lost') throw unreachable()
    return 'committed' as const
  }
}
const unreachable = () => fail('unreachable', 'down', 'the target cannot be reached', { retry: 'later' })

function run(target: Target, from: SyncSource = source()) {
  const waits: number[] = []
  const records = { get: async () => undefined, list: async function* () {} }
  const written: RecordWrite[] = []
  const context = {
    ...{ signal: new AbortController().signal, run: 'r', records, fence: 5, options: spec, state: undefined },
    subject: { kind: 'sync', path: 'sync/a', spec: null },
    job: { id: 'job', attempt: 1, actor: 'me' },
    ...{ now: () => new Date(), report: () => {}, log: () => {}, control: () => undefined },
    commit: async (step: { records?: readonly RecordWrite[] }) => void written.push(...(step.records ?? [])),
    idle: async (ms: number) => void waits.push(ms),
  } as unknown as RunContext<any, SyncSpec>
  const operation = syncRun(async () => ({
    source: { port: from, records },
    target: { port: target, records, table: { kind: 'table', path: spec.target, spec: null } },
  }))
  return { outcome: operation.execute({} as never, context), waits, written }
}

describe('an end that cannot be reached', () => {
  test('is asked again after pauses that grow, and what was written before the answer was lost counts once', async () => {
    const target = new Target()
    target.faults.push('down', 'lost')
    const { outcome, waits, written } = run(target)
    expect(await outcome).toMatchObject({ is: 'changed', result: { rows: 2, recordsIngested: 2, billedBytes: 30 } })
    expect(waits).toEqual([10, 20])
    expect(target.rows).toBe(2)
    expect(written.at(-1)).toMatchObject({
      key: 'sync/a',
      value: { marker: 'm', nextTimestamp: null, recordsIngested: 2 },
    })
  })

  test('is given up when the attempts are over; what is no such thing is not tried again', async () => {
    const target = new Target()
    target.faults.push('down', 'down', 'down')
    await expect(run(target).outcome).rejects.toThrow('cannot be reached')
    const broken = { ...source(), page: () => Promise.reject(fail('data', 'bad-row', 'row 7 is broken')) }
    const { outcome, waits } = run(new Target(), broken)
    await expect(outcome).rejects.toThrow('row 7 is broken')
    expect(waits).toEqual([])
  })

  test('what the target says of a page gets the names of both ends', async () => {
    const target = new Target()
    target.write = () => Promise.reject(fail('data', 'bad-value', 'id 1 does not fit'))
    const error = await run(target).outcome.then(() => null, errorView)
    expect(error).toMatchObject({ code: 'bad-value', where: 'src:d/t -> dst:default/t' })
  })
})

test('somebody else who writes: the sync ends without having written anything over it', async () => {
  const overtaken = new Target()
  overtaken.faults.push('overtaken')
  expect(await run(overtaken).outcome).toMatchObject({ is: 'conflict' })
  expect(overtaken.rows).toBe(0)
  const fenced = new Target()
  fenced.faults.push('fenced')
  await expect(run(fenced).outcome).rejects.toThrow(Fenced)
})

test('a fence of a catalog that is gone does not lock the sync out', async () => {
  const target = new Target()
  target.stored = {
    ...{ sync: 'a', cursor: { lane: 'time', time: times[0]!, key: ['0'] }, watermark: times[0]! },
    ...{ fence: 70, sequence: 1, recordsIngested: 1 },
  }
  expect(await run(target).outcome).toMatchObject({ is: 'changed' })
  expect(target.stored).toMatchObject({ fence: 70, recordsIngested: 2 })
})

test('a source that gives the same page for ever is stopped', async () => {
  const good = source()
  const stuck: SyncSource = {
    ...good,
    page: async (...args) => ({ ...(await good.page(...args)), next: args[2], more: true }),
  }
  await expect(run(new Target(), stuck).outcome).rejects.toThrow('the same page again and again')
})
