/** A Delta table as the target of syncs: rows and checkpoint are one commit, whoever is killed or too late. */
import { realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Batch } from '../../src/core/batch.ts'
import type { Checkpoint, SyncTarget } from '../../src/core/sync.ts'
import { type Field, parseType } from '../../src/core/types.ts'
import { killEverywhere } from '../faults/harness.ts'
import { startChdb } from '../support/chdb.ts'
import { awkward, keyed, keyless, linesOf, rowsOf as rowsOfSync, SyncWorld } from '../sync/world.ts'
import { sessionWith } from './with-store.ts'
import { commitAs, create, Lake, liveOf, loadInto, logOf, optimize, orphansOf, rowsOf } from './world.ts'

/** From the memory driver into a lake. */
class LakeWorld extends SyncWorld {
  override configure(syncs: readonly string[]): void {
    const backends = '  src: { driver: memory, file: src.db }\n  dst: { driver: delta, url: "file:./lake" }'
    const lines = ['version: 1', 'schemas: [./schemas]', 'backends:', backends, 'sync:', ...syncs.map((s) => `  ${s}`)]
    writeFileSync(join(this.folder, 'tblctl.yaml'), `${lines.join('\n')}\n`)
  }
}
const all = { ids: [], target: null, dryRun: false }

describe('sync run', () => {
  test('rows arrive once; compaction and a second run change nothing; the kernel reads the same', async () => {
    using world = new LakeWorld([keyless('log')])
    await using tblctl = await world.open()
    await world.table(tblctl, 'log', [...awkward, awkward[15]!])
    const report = await tblctl.syncs.run(all)
    expect(report.items[0]).toMatchObject({
      status: 'changed',
      result: { rows: 18, recordsIngested: 18, created: true },
    })
    expect(await rowsOfSync(tblctl, 'dst:log')).toEqual(linesOf([...awkward, awkward[15]!]))
    await optimize(tblctl, 'dst:log')
    expect((await tblctl.syncs.run(all)).items[0]).toMatchObject({ status: 'unchanged' })
    const late = { id: 40, at: new Date(Date.now() - 60_000).toISOString().replace('Z', '000Z'), note: 'new' }
    await world.add(tblctl, 'log', [late])
    expect((await tblctl.syncs.run(all)).items[0]).toMatchObject({ result: { rows: 1, recordsIngested: 19 } })
    expect(await rowsOfSync(tblctl, 'dst:log')).toEqual(linesOf([...awkward, awkward[15]!, late]))
    await using chdb = startChdb(realpathSync(world.folder))
    expect((await chdb.content(realpathSync(join(world.folder, 'lake/projects/default/log')))).rows).toBe(19)
  }, 60_000)

  test('rows that change replace themselves, late ones come, and an older version does not come back', async () => {
    using world = new LakeWorld([keyed('orders', ', lookback: 1h')])
    await using tblctl = await world.open()
    await world.table(tblctl, 'orders', awkward)
    expect((await tblctl.syncs.run(all)).items[0]).toMatchObject({ status: 'changed', result: { recordsIngested: 17 } })
    expect(await rowsOfSync(tblctl, 'dst:orders')).toEqual(linesOf(awkward))
    const ago = (ms: number) => new Date(Date.now() - ms).toISOString().replace('Z', '000Z')
    const fresh = { id: 31, at: ago(1), note: 'fresh' }
    const newer = { id: 3, at: ago(2), note: 'updated' }
    const older = { id: 4, at: '1999-01-01T00:00:00Z', note: 'an older version, outside of the lookback' }
    const timed = { id: 14, at: ago(3), note: 'has a time now' }
    const late = { id: 30, at: ago(1_800_000), note: 'late' }
    await world.add(tblctl, 'orders', [fresh, newer, older, timed])
    expect((await tblctl.syncs.run(all)).items[0]).toMatchObject({ status: 'changed' })
    await world.add(tblctl, 'orders', [late])
    await optimize(tblctl, 'dst:orders')
    expect((await tblctl.syncs.run(all)).items[0]).toMatchObject({ status: 'changed' })
    const expected = [...awkward.filter(({ id }) => id !== 3 && id !== 14), newer, timed, fresh, late]
    expect(await rowsOfSync(tblctl, 'dst:orders')).toEqual(linesOf(expected))
    expect((await tblctl.syncs.run(all)).items[0]).toMatchObject({ status: 'unchanged' })
    const folder = realpathSync(join(world.folder, 'lake/projects/default/orders'))
    await using chdb = startChdb(realpathSync(world.folder))
    expect((await chdb.content(folder)).rows).toBe(19)
    expect(orphansOf(folder)).toEqual([])
  }, 60_000)

  test('an append-only source with a key is read once and only appended', async () => {
    using world = new LakeWorld([keyed('orders', ', appendOnly: true')])
    await using tblctl = await world.open()
    await world.table(tblctl, 'orders', awkward)
    expect((await tblctl.syncs.run(all)).items[0]).toMatchObject({ status: 'changed' })
    expect(await rowsOfSync(tblctl, 'dst:orders')).toEqual(linesOf(awkward))
    const operations = logOf(join(world.folder, 'lake/projects/default/orders')).flatMap((actions) =>
      actions.flatMap(({ commitInfo }) => (commitInfo ? [commitInfo.operation] : [])),
    )
    expect(new Set(operations)).toEqual(new Set(['CREATE TABLE', 'WRITE']))
  })

  test('killed at any durable step, the same command ends as if nothing had happened', async () => {
    await killEverywhere(
      {
        setUp: async () => {
          const world = new LakeWorld([keyless('log')])
          await using tblctl = await world.open()
          await world.table(tblctl, 'log', awkward.slice(7))
          return world
        },
        command: (world, env) => world.run(['sync', 'run', '-y', '-q'], env),
        oracle: async (world) => {
          await using tblctl = await world.open()
          const { recordsIngested, state } = (await tblctl.syncs.status(['log']))[0]!
          return { rows: await rowsOfSync(tblctl, 'dst:log'), recordsIngested, state }
        },
        every: 5,
      },
      4,
    )
  }, 240_000)
})

const field = (name: string, type: string): Field => ({ name, type: parseType(type), nullable: true })
const shape = (...fields: Field[]) => ({ fields, key: [] })
const id = field('id', 'Int64')
const page = (ids: readonly bigint[], fields: readonly Field[] = [id]) => ({
  batch: { fields, columns: [ids, ...fields.slice(1).map(() => ids.map(() => 'x'))], rows: ids.length } as Batch,
  key: [],
  newest: null,
})
const at = (sequence: number, fence = 1, sync = 's'): Checkpoint => ({
  sync,
  cursor: { lane: 'time', time: '2020-01-01T00:00:00.000000Z', key: [String(sequence)] },
  watermark: null,
  fence,
  sequence,
  recordsIngested: sequence,
})

describe('a sync that replaces rows', () => {
  test('killed at any durable step, the same command ends as if nothing had happened', async () => {
    const newer = [3, 12, 15].map((id) => ({ id, at: `2021-01-01T00:00:0${id % 10}Z`, note: 'newer' }))
    await killEverywhere(
      {
        setUp: async () => {
          const world = new LakeWorld([keyed('orders', ', lookback: 100000h')])
          await using tblctl = await world.open()
          await world.table(tblctl, 'orders', awkward.slice(0, 16))
          await tblctl.syncs.run(all)
          await world.add(tblctl, 'orders', newer)
          return world
        },
        command: (world, env) => world.run(['sync', 'run', '-y', '-q'], env),
        oracle: async (world) => {
          await using tblctl = await world.open()
          const { recordsIngested, state } = (await tblctl.syncs.status(['orders']))[0]!
          return { rows: await rowsOfSync(tblctl, 'dst:orders'), recordsIngested, state }
        },
        every: 9,
      },
      3,
    )
  }, 240_000)
})

describe('the port', () => {
  const schemas = {
    parted:
      'table_name: parted\npartitions: [p]\nfields:\n  - { name: id, data_type: Int64, nullable: true }\n  - { name: p, data_type: Utf8, nullable: true }\n',
    strict: 'table_name: strict\nfields:\n  - { name: id, data_type: Int64, nullable: false }\n',
  }
  async function targetOf(lake: Lake) {
    const session = await sessionWith(lake.folder, (store) => store)
    const driver = await session.driver('lake')
    const target = driver.can['sync.target'] as SyncTarget
    const subject = { kind: 'table', path: 'lake/acme/t', spec: null } as const
    return {
      target,
      subject,
      ctx: session.reading('lake'),
      [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
    }
  }

  test('writes from the checkpoint that is there, and nothing else', async () => {
    await using lake = new Lake()
    await using open = await targetOf(lake)
    const { target, subject, ctx } = open
    expect(await target.checkpoint(subject, 's', ctx)).toBeNull()
    expect(await target.ensure(subject, shape(id), ctx)).toEqual({ created: true, added: ['id'] })
    expect(await target.ensure(subject, shape(id), ctx)).toEqual({ created: false, added: [] })
    expect(await target.checkpoint(subject, 's', ctx)).toBeNull()
    expect(await target.write(subject, page([1n]), at(1), at(2), ctx)).toBe('moved')
    expect(await target.write(subject, page([1n, 2n]), null, at(1), ctx)).toBe('committed')
    expect(await target.write(subject, page([9n]), null, at(1), ctx)).toBe('moved')
    expect(await target.write(subject, page([3n]), at(1), at(2, 5), ctx)).toBe('committed')
    expect(await target.write(subject, page([9n]), at(1), at(2, 4), ctx)).toBe('fenced')
    expect(await target.write(subject, page([]), at(2, 5), at(3, 5), ctx)).toBe('committed')
    expect(await target.checkpoint(subject, 's', ctx)).toEqual(at(3, 5))
    await expect(target.checkpoint(subject, 'other', ctx)).rejects.toMatchObject({ view: { code: 'other-sync' } })
    expect(orphansOf(lake.table('t'))).toEqual([])
    const rows = liveOf(lake.table('t')).map((add) => JSON.parse(add.stats).numRecords)
    expect(rows.sort()).toEqual([1, 2])
    expect(
      logOf(lake.table('t'))
        .at(-1)!
        .some((action) => action.txn?.appId === 'tblctl-sync:s'),
    ).toBe(true)
  })

  test('of several that write the same page one does, and no file of the others is left', async () => {
    await using lake = new Lake()
    const ends = await Promise.all([targetOf(lake), targetOf(lake), targetOf(lake)])
    await ends[0]!.target.ensure(ends[0]!.subject, shape(id), ends[0]!.ctx)
    const done = await Promise.all(
      ends.map(({ target, subject, ctx }) => target.write(subject, page([1n]), null, at(1), ctx)),
    )
    expect(done.sort()).toEqual(['committed', 'moved', 'moved'])
    expect(liveOf(lake.table('t'))).toHaveLength(1)
    expect(orphansOf(lake.table('t'))).toEqual([])
    for (const end of ends) await end[Symbol.asyncDispose]()
  })

  test('adopts a table: the feature and the columns that it lacks are added, what would need a rewrite is refused', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    await create(tblctl, 'lake:acme/t', 'parted')
    await loadInto(tblctl, lake.folder, 'lake:acme/t', [lake.rows('a.ndjson', [{ id: 1, p: 'a' }])])
    await using open = await targetOf(lake)
    const { target, subject, ctx } = open
    const more = field('more', 'Utf8')
    expect(await target.ensure(subject, shape(id, more), ctx)).toEqual({ created: false, added: ['more'] })
    expect(await target.write(subject, page([2n], [id, more]), null, at(1), ctx)).toBe('committed')
    expect(await rowsOf(tblctl, 'lake:acme/t', 'select id::varchar, p, more from t order by id')).toEqual([
      ['1', 'a', null],
      ['2', null, 'x'],
    ])
    const refusals = [
      [shape(field('id', 'Utf8')), 'type-changed'],
      [shape(id, field('wall', 'Timestamp(Microsecond, None)')), 'delta-feature'],
    ] as const
    for (const [wanted, code] of refusals)
      await expect(target.ensure(subject, wanted, ctx)).rejects.toMatchObject({ view: { kind: 'refused', code } })
    const strange = page([3n], [id, field('strange', 'Utf8')])
    await expect(target.write(subject, strange, at(1), at(2), ctx)).rejects.toMatchObject({
      view: { code: 'no-such-column' },
    })
    expect(
      await loadInto(tblctl, lake.folder, 'lake:acme/t', [lake.rows('b.ndjson', [{ id: 4, p: 'b' }])]),
    ).toMatchObject({
      status: 'changed',
    })
  })

  test('replaces by key what is not newer, in one commit with the checkpoint', async () => {
    await using lake = new Lake(schemas)
    const tblctl = await lake.open()
    await create(tblctl, 'lake:acme/t', 'parted')
    await using open = await targetOf(lake)
    const { target, subject, ctx } = open
    const fields = [id, field('p', 'Utf8'), field('n', 'Int64')]
    const key = ['id', 'p']
    const keyedPage = (rows: readonly (readonly [bigint, string, bigint | null])[]) => ({
      batch: { fields, columns: [0, 1, 2].map((c) => rows.map((row) => row[c]!)), rows: rows.length } as Batch,
      key,
      newest: 'n',
    })
    expect(await target.ensure(subject, { fields, key }, ctx)).toEqual({ created: false, added: ['n'] })
    const first = keyedPage([
      [1n, 'a', 5n],
      [2n, 'a', null],
      [3n, 'b', 5n],
      [3n, 'b', 6n],
    ])
    expect(await target.write(subject, first, null, at(1), ctx)).toBe('committed')
    const second = keyedPage([
      [1n, 'a', 4n],
      [1n, 'b', 4n],
      [2n, 'a', 1n],
      [3n, 'b', null],
    ])
    expect(await target.write(subject, second, null, at(2), ctx)).toBe('moved')
    expect(await target.write(subject, second, at(1), at(2), ctx)).toBe('committed')
    expect(await rowsOf(tblctl, 'lake:acme/t', 'select id::int, p, n::int from t order by all')).toEqual([
      [1, 'a', 5],
      [1, 'b', 4],
      [2, 'a', 1],
      [3, 'b', 6],
    ])
    const last = logOf(lake.table('t')).at(-1)!
    expect(last.some((action) => action.domainMetadata) && last.some((action) => action.remove)).toBe(true)
    // All that comes is older than what is there: the checkpoint moves, and nothing else.
    expect(await target.write(subject, keyedPage([[1n, 'a', 1n]]), at(2), at(3), ctx)).toBe('committed')
    expect(await target.checkpoint(subject, 's', ctx)).toEqual(at(3))
    const nameless = target.write(subject, keyedPage([[1n, '', 1n]]), at(3), at(4), ctx)
    await expect(nameless).rejects.toMatchObject({ view: { kind: 'data', code: 'null-key' } })
    expect(orphansOf(lake.table('t'))).toEqual([])
  })

  test('an append-only table takes no rows that replace others', async () => {
    await using lake = new Lake(schemas)
    await create(await lake.open(), 'lake:acme/t', 'strict')
    const { metaData } = logOf(lake.table('t'))
      .flat()
      .find((action) => action.metaData)!
    commitAs(lake.table('t'), [{ metaData: { ...metaData, configuration: { 'delta.appendOnly': 'true' } } }])
    await using open = await targetOf(lake)
    const { target, subject, ctx } = open
    const keyedShape = { fields: [id], key: ['id'] }
    await expect(target.ensure(subject, keyedShape, ctx)).rejects.toMatchObject({ view: { code: 'append-only' } })
    expect(await target.ensure(subject, shape(id), ctx)).toEqual({ created: false, added: [] })
  })

  test('a column that must have a value and that the source has not: refused; a foreign commit is no obstacle', async () => {
    await using lake = new Lake(schemas)
    await create(await lake.open(), 'lake:acme/t', 'strict')
    await using open = await targetOf(lake)
    const { target, subject, ctx } = open
    await expect(target.ensure(subject, shape(field('x', 'Utf8')), ctx)).rejects.toMatchObject({
      view: { code: 'column-required' },
    })
    expect(await target.ensure(subject, shape(id), ctx)).toEqual({ created: false, added: [] })
    commitAs(lake.table('t'), [{ commitInfo: {} }])
    expect(await target.write(subject, page([1n]), null, at(1), ctx)).toBe('committed')
  })
})
