/** describe and stats: what is not known is null, with the reason. */
import { describe, expect, it } from 'vitest'
import { deltaTable, startChdb } from '../support/chdb.ts'
import { commitAs, contentOf, create, Lake, liveOf, loadInto, logOf, optimize } from './world.ts'

const schemas = { plain: "table_name: plain\nfields:\n  - { name: id, data_type: 'Int64', nullable: true }\n" }
const ref = 'lake:acme/t'

async function world() {
  const lake = new Lake(schemas)
  const tblctl = await lake.open()
  await create(tblctl, ref, 'plain')
  lake.rows('a.ndjson', [{ id: 1 }, { id: 2 }])
  return { lake, tblctl, table: lake.table('t'), [Symbol.asyncDispose]: () => lake[Symbol.asyncDispose]() }
}

describe('figures of a table', () => {
  it('of a new one are known to be 0', async () => {
    await using made = await world()
    const { tblctl } = made
    const nothing = { version: 0, files: 0, bytes: 0, smallFiles: 0, partitions: 0, rows: 0 }
    expect((await tblctl.describe(ref)).status).toMatchObject({ ...nothing, source: 'log' })
    expect((await tblctl.stats({ refs: [ref] }, true))[0]).toMatchObject({
      status: { ...nothing, source: 'exact' },
      unknown: {},
    })
    const [live] = (await tblctl.list({ refs: [] }, true)).items
    expect(live).toMatchObject({ live: 'present', facts: { version: 0 } })
  })

  it.each([
    ['absent', undefined],
    ['empty', ''],
    ['no JSON', '{'],
    ['without a count', '{"minValues":{}}'],
    ['with a negative one', '{"numRecords":-1}'],
  ])('rows are unknown when the statistics of a file are %s, and counted on demand', async (_what, stats) => {
    await using made = await world()
    const { lake, tblctl, table } = made
    await loadInto(tblctl, lake.folder, ref, ['a.ndjson'])
    await loadInto(tblctl, lake.folder, ref, ['a.ndjson'], { again: true })
    const { stats: _stats, ...add } = liveOf(table)[0]!
    commitAs(table, [{ add: stats === undefined ? add : { ...add, stats } }])
    const why = expect.stringContaining('1 files have no row count')
    expect((await tblctl.describe(ref)).status).toMatchObject({ files: 2, rows: null, rowsUnknown: why })
    expect((await tblctl.stats({ refs: [ref] }))[0]).toMatchObject({ status: { rows: null }, unknown: { rows: why } })
    expect((await tblctl.stats({ refs: [ref] }, true))[0]).toMatchObject({ status: { rows: 4 }, unknown: {} })
    await optimize(tblctl, ref)
    expect((await tblctl.describe(ref)).status).toMatchObject({ files: 1, rows: 4 })
  })

  it('rows that another engine inserted are seen, counted and compacted', async () => {
    await using made = await world()
    const { lake, tblctl, table } = made
    await using chdb = startChdb(lake.folder)
    await loadInto(tblctl, lake.folder, ref, ['a.ndjson'])
    const allowed = 'allow_delta_lake_writes = 1, allow_experimental_delta_lake_writes = 1'
    await chdb.query(`INSERT INTO FUNCTION ${deltaTable(table)} SETTINGS ${allowed} VALUES (3), (4), (5)`)
    expect(logOf(table)).toHaveLength(3)
    expect((await contentOf(tblctl, ref)).rows).toBe(5)
    expect((await tblctl.stats({ refs: [ref] }, true))[0]!.status).toMatchObject({ rows: 5, files: 2 })
    expect((await tblctl.describe(ref)).status.rows).toBe(5)
    const theirs = await chdb.content(table)
    expect(await optimize(tblctl, ref)).toMatchObject({ result: { filesRemoved: 2, filesAdded: 1, rows: 5 } })
    expect(await chdb.content(table)).toEqual(theirs)
  })

  it('times that are none are null', async () => {
    await using made = await world()
    const { tblctl, table } = made
    const { metaData } = logOf(table)
      .flat()
      .find((action) => action.metaData)!
    const far = Number.MAX_SAFE_INTEGER
    commitAs(table, [{ commitInfo: { inCommitTimestamp: far } }, { metaData: { ...metaData, createdTime: far } }])
    const described = await tblctl.describe(ref)
    expect(described.status.lastCommitAt).toBeNull()
    expect(described.details.createdAt).toBeNull()
    expect((await tblctl.stats({ refs: [ref] }))[0]!.status.lastCommitAt).toBeNull()
  })
})
