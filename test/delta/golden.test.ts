/** Every table that others wrote, through the service layer: read, appended to, compacted, or refused by the name of what is in the way. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import { type Chdb, startChdb } from '../support/chdb.ts'
import { contentOf, hasSharedData, Lake, loadInto, optimize, register, sharedData } from './world.ts'

const folder = join(sharedData, 'delta')
const names = hasSharedData ? readdirSync(folder).sort() : []

/** Refused, with what the message must name. Every other table is read and written. */
const refused: Readonly<Record<string, readonly [code: string, says: string]>> = {
  'canonicalized-paths-normal-b': ['path-outside-table', '/some/unqualified/absolute/path'],
  'canonicalized-paths-special-b': ['path-outside-table', 'is absolute'],
  'data-reader-timestamp_ntz-id-mode': ['delta-feature', 'columnMapping'],
  'data-skipping-basic-stats-all-types-columnmapping-id': ['delta-feature', 'columnMapping'],
  'deltalog-commit-info': ['bad-schema', 'no schema'],
  'deltalog-invalid-protocol-version': ['delta-feature', 'reader version 99'],
  'deltalog-state-reconstruction-from-checkpoint-missing-protocol': ['no-protocol', 'no protocol'],
  'deltalog-state-reconstruction-without-protocol': ['no-protocol', 'no protocol'],
  'dv-with-columnmapping': ['delta-feature', 'deletionVectors'],
  'log-replay-dv-key-cases': ['delta-feature', 'deletionVectors'],
  'no-delta-log-folder': ['not-a-delta-table', 'not a Delta table'],
  'table-with-columnmapping-mode-name': ['delta-feature', 'columnMapping'],
  'update-deleted-directory': ['bad-schema', 'no schema'],
  'v2-checkpoint-parquet': ['delta-feature', 'v2Checkpoint'],
}
/** Its log names a file that the suite does not bring along. */
const withoutData = 'log-replay-special-characters-b'

describe.runIf(hasSharedData)('tables that others wrote', () => {
  let lake: Lake
  let chdb: Chdb
  let tblctl: Tblctl
  beforeAll(async () => {
    lake = new Lake()
    chdb = startChdb(lake.folder)
    tblctl = await lake.open()
  })
  afterAll(async () => {
    await chdb[Symbol.asyncDispose]()
    await lake[Symbol.asyncDispose]()
  })

  it.each(names)('%s', async (name) => {
    const table = lake.copyIn(join(folder, name, 'delta'), `others/${name}`)
    const ref = `lake:golden/${name}`
    const registered = await register(tblctl, ref, `file:${table}`)
    if (Object.hasOwn(refused, name)) {
      const [code, says] = refused[name]!
      expect(registered).toMatchObject({ status: 'failed', error: { code, message: expect.stringContaining(says) } })
      return
    }
    expect(registered.status, JSON.stringify(registered.error)).toBe('changed')
    if (name === withoutData) {
      const missing = { view: { code: 'file-missing', where: join(table, 'special p@#h') } }
      await expect(contentOf(tblctl, ref)).rejects.toMatchObject(missing)
      return
    }
    const { rows } = await contentOf(tblctl, ref)
    const { status, schema } = await tblctl.describe(ref)
    expect((await chdb.content(table)).rows).toBe(rows)
    expect(status.rows === null ? status.rowsUnknown : status.rows).toEqual(
      status.rows === null ? expect.any(String) : rows,
    )
    expect((await tblctl.stats({ refs: [ref] }, true))[0]).toMatchObject({
      status: { rows, source: 'exact' },
      unknown: {},
    })
    expect(schema.fields.length).toBeGreaterThan(0)
    if (rows === 0) return

    // Its own rows once more.
    const out = lake.path(`${name}.parquet`)
    expect(await tblctl.export(ref, { format: 'parquet', out })).toMatchObject({ rows })
    expect(await loadInto(tblctl, lake.folder, ref, [out])).toMatchObject({ status: 'changed', result: { rows } })
    const doubled = { ours: await contentOf(tblctl, ref), theirs: await chdb.content(table) }
    expect(doubled).toMatchObject({ ours: { rows: 2 * rows }, theirs: { rows: 2 * rows } })
    expect(await optimize(tblctl, ref)).toMatchObject({ status: 'changed', result: { verified: ['rows'] } })
    expect({ ours: await contentOf(tblctl, ref), theirs: await chdb.content(table) }).toEqual(doubled)
  })

  it('every refusal names a table that is there', () => {
    expect(Object.keys(refused).filter((name) => !names.includes(name))).toEqual([])
  })
})
