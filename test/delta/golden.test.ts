/** Every table that others wrote, through the service layer: read, appended to, compacted, or refused by the name of what is in the way. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import { type Field, parseType } from '../../src/core/types.ts'
import { type ContentHash, contentHash } from '../../src/engine/content-hash.ts'
import { openEngine } from '../../src/engine/engine.ts'
import { scanSql } from '../../src/engine/scan.ts'
import { type Chdb, startChdb } from '../support/chdb.ts'
import { contentOf, hasSharedData, Lake, loadInto, optimize, register, sharedData } from './world.ts'

const folder = join(sharedData, 'delta')
const names = hasSharedData ? readdirSync(folder).sort() : []

/** Refused, with what the message must name. Every other table is read and written. */
const refused: Readonly<Record<string, readonly [code: string, says: string]>> = {
  // Its log names a file outside of the table.
  'canonicalized-paths-normal-b': ['path-outside-table', '/some/unqualified/absolute/path'],
  'canonicalized-paths-special-b': ['path-outside-table', 'is absolute'],
  // Made to be wrong.
  'deltalog-commit-info': ['bad-schema', 'no schema'],
  'deltalog-invalid-protocol-version': ['delta-feature', 'reader version 99'],
  'deltalog-state-reconstruction-from-checkpoint-missing-protocol': ['corrupt-checkpoint', 'no protocol'],
  'deltalog-state-reconstruction-without-protocol': ['no-protocol', 'no protocol'],
  'no-delta-log-folder': ['not-a-delta-table', 'not a Delta table'],
  'update-deleted-directory': ['bad-schema', 'no schema'],
}
/** The kernel in chdb reads structs in lists and maps as null under column mapping: only its count is asked. */
const misreadByKernel: readonly string[] = ['table-with-columnmapping-mode-name']
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
    const out = lake.path(`${name}.parquet`)
    expect(await tblctl.export(ref, { format: 'parquet', out })).toMatchObject({ rows })
    await expectWanted(lake.path('scratch'), out, join(folder, name, 'expected'), schema.fields)
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
    expect(await loadInto(tblctl, lake.folder, ref, [out])).toMatchObject({ status: 'changed', result: { rows } })
    const theirs = async (): Promise<object> => {
      const { rows, hash } = await chdb.content(table)
      return misreadByKernel.includes(name) ? { rows } : { rows, hash }
    }
    const doubled = { ours: await contentOf(tblctl, ref), theirs: await theirs() }
    expect(doubled).toMatchObject({ ours: { rows: 2 * rows }, theirs: { rows: 2 * rows } })
    expect(await optimize(tblctl, ref)).toMatchObject({ status: 'changed', result: { verified: ['rows'] } })
    expect({ ours: await contentOf(tblctl, ref), theirs: await theirs() }).toEqual(doubled)
  })

  it('every refusal names a table that is there', () => {
    expect(Object.keys(refused).filter((name) => !names.includes(name))).toEqual([])
  })
})

/**
 * Rows that Spark read from the table when the suite was made; some tables have none. Where those are known to be wrong
 * (data-reader-partition-values, without the shift to UTC), the table is not among these.
 */
async function expectWanted(
  scratch: string,
  found: string,
  wanted: string,
  columns: readonly { readonly name: string; readonly type: string }[],
): Promise<void> {
  if (!existsSync(wanted)) return
  const fields = columns.map(({ name, type }): Field => ({ name, type: parseType(type), nullable: true }))
  const parts = readdirSync(wanted).filter((part) => part.endsWith('.parquet'))
  const hashOf = (paths: readonly string[]): Promise<ContentHash> =>
    contentHash(
      engine,
      scanSql({ files: paths.map((path) => ({ path, partitionValues: {} })), fields, partitions: [] }),
      fields,
    )
  await using engine = await openEngine({ scratch })
  expect(await hashOf([found])).toEqual(await hashOf(parts.map((part) => join(wanted, part))))
}
