/** A table that Spark wrote, with 1.1 million rows, and our main job on it, checked by an independent reader. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openEngine } from '../../src/engine/engine.ts'
import { startChdb } from '../support/chdb.ts'
import { contentOf, hasSharedData, Lake, loadInto, logOf, optimize, orphansOf, register, sharedData } from './world.ts'

const rows = 1_111_930

describe.runIf(hasSharedData)('covid-nyt', () => {
  it('registered, appended to fifty times and compacted: both readers find the same rows', async () => {
    await using lake = new Lake()
    await using chdb = startChdb(lake.folder)
    const table = lake.copyIn(join(sharedData, 'covid-nyt'), 'elsewhere/covid-nyt')
    const tblctl = await lake.open()
    const ref = 'lake:nyt/covid'
    expect(await register(tblctl, ref, `file:${table}`)).toMatchObject({
      status: 'changed',
      result: { answer: 'adopted', version: 0, files: 8, rows },
    })
    const described = await tblctl.describe(ref)
    expect(described.status).toMatchObject({ version: 0, files: 8, rows, source: 'log' })
    expect(described.schema.fields.map(({ name }) => name)).toEqual([
      'date',
      'county',
      'state',
      'fips',
      'cases',
      'deaths',
    ])
    expect(await chdb.content(table)).toMatchObject({ rows })

    // Fifty inputs of the table's own rows, in every format.
    const formats = ['ndjson', 'csv', 'parquet'] as const
    const settings = { ndjson: 'FORMAT json', csv: 'FORMAT csv, HEADER', parquet: 'FORMAT parquet' }
    await using engine = await openEngine({ scratch: lake.path('scratch') })
    let added = 0
    for (let i = 0; i < 50; i++) {
      const format = formats[i % 3]!
      const name = `part-${i}.${format}`
      const wanted = 20 + i
      const some = `SELECT * FROM read_parquet('${table}/*.parquet') LIMIT ${wanted} OFFSET ${i * 20_000}`
      await engine.run(`COPY (${some}) TO '${lake.path(name)}' (${settings[format]})`)
      const loaded = await loadInto(tblctl, lake.folder, ref, [name])
      expect(loaded, JSON.stringify(loaded.error)).toMatchObject({
        status: 'changed',
        result: { rows: wanted, files: 1 },
      })
      added += wanted
    }
    const before = { ours: await contentOf(tblctl, ref), theirs: await chdb.content(table) }
    expect(before.ours.rows).toBe(rows + added)
    expect(before.theirs.rows).toBe(rows + added)

    const plan = await tblctl.operate('optimize', { refs: [ref] }, { targetSize: null }, true)
    expect(plan.items[0]!.plan).toMatchObject({ changes: 1, files: 58 })
    expect(logOf(table)).toHaveLength(51)
    expect(await optimize(tblctl, ref)).toMatchObject({
      status: 'changed',
      result: { filesRemoved: 58, filesAdded: 1, rows: rows + added, verified: ['rows'] },
    })
    expect(await contentOf(tblctl, ref)).toEqual(before.ours)
    expect(await chdb.content(table)).toEqual(before.theirs)
    expect((await tblctl.stats({ refs: [ref] }, true))[0]!.status).toMatchObject({ rows: rows + added, files: 1 })
    expect(await optimize(tblctl, ref)).toMatchObject({ status: 'unchanged' })
    expect(orphansOf(table)).toEqual([])
  }, 120_000)
})
