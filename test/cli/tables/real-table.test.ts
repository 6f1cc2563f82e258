/** The main job's first half on a Delta table that Spark wrote: adopt it where it lies, look at it, change nothing. */
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openWorld } from './world.ts'

const covid = fileURLToPath(new URL('../../../../shared/data/covid-nyt', import.meta.url))

describe.runIf(existsSync(covid))('a table that others wrote', () => {
  it('is registered, described, counted, asked and exported', async () => {
    await using world = await openWorld()
    const before = readdirSync(covid, { recursive: true }).sort()
    await world.ok('register', 'lake:nyt/covid', '--location', `file:${covid}`, '-y')
    const table = await world.json('describe', 'lake:nyt/covid')
    expect(table).toMatchObject({
      kind: 'Table',
      status: { files: 8, rows: 1_111_930 },
      schema: { fields: expect.any(Array) },
    })
    expect((await world.json('stats', 'lake:nyt/covid', '--exact')).status).toMatchObject({
      rows: 1_111_930,
      source: 'exact',
    })
    expect((await world.json('query', 'lake:nyt/covid', 'select count(*) as n from t')).rows).toEqual([
      { n: 1_111_930 },
    ])
    expect((await world.json('export', 'lake:nyt/covid', '--out', 'copy.parquet')).rows).toBe(1_111_930)
    expect(readdirSync(covid, { recursive: true }).sort()).toEqual(before)
  })
})
