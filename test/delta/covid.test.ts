/** A table that Spark wrote, with 1.1 million rows, and its upkeep: after every step an independent reader finds the same rows. */
import { existsSync, readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openEngine } from '../../src/engine/engine.ts'
import { startChdb } from '../support/chdb.ts'
import {
  contentOf,
  hasSharedData,
  Lake,
  liveOf,
  loadInto,
  logOf,
  optimize,
  orphansOf,
  register,
  sharedData,
} from './world.ts'

const rows = 1_111_930

const logFiles = (table: string): string[] =>
  readdirSync(join(table, '_delta_log')).filter((name) => /^\d{20}\./.test(name))

describe.runIf(hasSharedData)('covid-nyt', () => {
  it('registered, appended to, compacted, z-ordered, vacuumed, checkpointed, its early commits gone: both readers find the same rows', async () => {
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

    const same = async () => {
      expect(await contentOf(tblctl, ref)).toEqual(before.ours)
      expect(await chdb.content(table)).toEqual(before.theirs)
    }
    const operate = async (verb: 'optimize' | 'vacuum', options: object) => {
      const item = (await tblctl.operate(verb, { refs: [ref] }, options)).items[0]!
      expect(item, JSON.stringify(item.error)).toMatchObject({ status: 'changed' })
      return item
    }
    expect(await operate('optimize', { zorder: ['state', 'cases'], targetSize: 1_000_000 })).toMatchObject({
      result: { filesRemoved: 1, rows: rows + added },
    })
    await same()

    expect(logFiles(table).filter((name) => name.includes('.checkpoint.')).length).toBeGreaterThan(3)
    await operate('vacuum', { retainMs: 0, belowFloor: true })
    const named = new Set(liveOf(table).map(({ path }) => path))
    expect(readdirSync(table).filter((name) => name.endsWith('.parquet') && !named.has(name))).toEqual([])
    await same()

    // As if all of this had been long ago: the next checkpoint lets the commits before the one that is older go.
    const longAgo = new Date(Date.now() - 60 * 86_400_000)
    for (const name of logFiles(table)) utimesSync(join(table, '_delta_log', name), longAgo, longAgo)
    const first = join(table, '_delta_log', `${'0'.repeat(20)}.json`)
    for (let i = 0; existsSync(first); i++) {
      expect(i).toBeLessThan(11)
      lake.write('one.csv', 'date,county,state,fips,cases,deaths\n2020-01-21,Snohomish,Washington,53061,1,0\n')
      expect(await loadInto(tblctl, lake.folder, ref, ['one.csv'], { again: true })).toMatchObject({
        status: 'changed',
      })
      added++
    }
    expect(await contentOf(tblctl, ref)).toMatchObject({ rows: rows + added })
    expect(await chdb.content(table)).toMatchObject({ rows: rows + added })
    await using fresh = await lake.open()
    expect(await contentOf(fresh, ref)).toEqual(await contentOf(tblctl, ref))
    expect((await fresh.stats({ refs: [ref] }, true))[0]!.status).toMatchObject({ rows: rows + added })
  }, 180_000)
})
