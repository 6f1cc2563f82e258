/** verify of tables that can be read and are not sound all the same: each is named, and the rest is still checked. */
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import type { Verification } from '../../src/core/driver.ts'
import { openEngine } from '../../src/engine/engine.ts'
import { quoteString } from '../../src/engine/sql-text.ts'
import { commitAs, create, Lake, liveOf, loadInto, logOf, rowsOf } from './world.ts'

const schemas = { plain: "table_name: plain\nfields:\n  - { name: id, data_type: 'Int64', nullable: true }\n" }
const ref = 'lake:acme/t'

async function world(loads = 1) {
  const lake = new Lake(schemas)
  const warnings: string[] = []
  const tblctl = await lake.open({
    reporter: { log: (level, message) => void (level === 'warn' && warnings.push(message)) },
  })
  await create(tblctl, ref, 'plain')
  const load = async (again = true) => {
    lake.rows('a.ndjson', [{ id: 1 }])
    return loadInto(tblctl, lake.folder, ref, ['a.ndjson'], { again })
  }
  for (let i = 0; i < loads; i++) await load()
  const table = lake.table('t')
  const log = (name: string): string => join(table, '_delta_log', name)
  return { lake, tblctl, table, log, load, warnings, [Symbol.asyncDispose]: () => lake[Symbol.asyncDispose]() }
}
const check = async (tblctl: Tblctl, data = false): Promise<Verification> => tblctl.verify(ref, { data })
const pad = (version: number): string => String(version).padStart(20, '0')
const count = (tblctl: Tblctl) => rowsOf(tblctl, ref, 'select count(*) from t')
function configure(table: string, configuration: object, more: object = {}): void {
  const { metaData } = logOf(table)[0]!.find((action) => action.metaData)!
  commitAs(table, [{ metaData: { ...metaData, configuration, ...more } }])
}

describe('verify', () => {
  it('names a hint at a checkpoint that is not there, until the next checkpoint replaces it', async () => {
    await using made = await world()
    const { tblctl, table, log, load } = made
    writeFileSync(log('_last_checkpoint'), '{"version":99,"size":3}')
    expect((await check(tblctl)).problems).toMatchObject([
      { problem: 'wrong-hint', path: '_delta_log/_last_checkpoint', detail: expect.stringContaining('99') },
    ])
    configure(table, { 'delta.checkpointInterval': '1' })
    await load()
    expect(JSON.parse(readFileSync(log('_last_checkpoint'), 'utf8'))).toMatchObject({ version: 3 })
    expect((await check(tblctl)).problems).toEqual([])
  })

  it('names commits that say nothing; they are read as they are, an empty one with one warning', async () => {
    await using made = await world()
    const { tblctl, log, warnings } = made
    writeFileSync(log(`${pad(2)}.json`), '')
    writeFileSync(log(`${pad(3)}.json`), '{"of the future":{}}\n')
    for (const _ of [1, 2]) expect(await count(tblctl)).toEqual([[1n]])
    expect(warnings).toEqual([expect.stringContaining(`${log(`${pad(2)}.json`)} has no bytes`)])
    expect((await check(tblctl)).problems).toMatchObject([
      { problem: 'empty-commit', path: `_delta_log/${pad(2)}.json` },
      { problem: 'unknown-commit', path: `_delta_log/${pad(3)}.json` },
    ])
  })

  it('names a property that has no value of its kind, and goes on', async () => {
    await using made = await world()
    const { tblctl, table } = made
    configure(table, { 'delta.deletedFileRetentionDuration': 'bogus' })
    rmSync(join(table, liveOf(table)[0]!.path))
    expect((await check(tblctl)).problems).toMatchObject([
      { problem: 'bad-property', detail: expect.stringContaining('delta.deletedFileRetentionDuration') },
      { problem: 'missing-file', repairable: true },
    ])
  })

  it('names a file whose deletion vector leads out of the table, and goes on', async () => {
    await using made = await world(2)
    const { tblctl, table } = made
    const [bad, gone] = liveOf(table)
    const vector = {
      storageType: 'p',
      pathOrInlineDv: 'file:///etc/passwd',
      offset: 1,
      sizeInBytes: 34,
      cardinality: 1,
    }
    commitAs(table, [
      {
        protocol: {
          minReaderVersion: 3,
          minWriterVersion: 7,
          readerFeatures: ['deletionVectors'],
          writerFeatures: ['deletionVectors'],
        },
      },
      { remove: { path: bad!.path, dataChange: true, deletionTimestamp: Date.now() } },
      { add: { ...bad, deletionVector: vector } },
    ])
    rmSync(join(table, gone!.path))
    const { problems, checked } = await check(tblctl, true)
    expect(problems).toMatchObject([
      { problem: 'missing-file', path: gone!.path },
      { problem: 'corrupt-deletion-vector', path: bad!.path, detail: expect.stringContaining('/etc/passwd') },
    ])
    expect(checked).toMatchObject({ files: 2, rows: 1 })
  })

  it('names a file whose columns are not of the table’s types; narrower ones are widened', async () => {
    await using made = await world(3)
    const { lake, tblctl, table } = made
    const [text, narrow] = liveOf(table)
    await using engine = await openEngine({ scratch: lake.folder })
    const put = async (path: string, select: string): Promise<object> => {
      const file = join(table, path)
      rmSync(file, { force: true })
      await engine.run(`COPY (${select}) TO ${quoteString(file)} (FORMAT parquet)`)
      return {
        add: { path, size: readFileSync(file).length, partitionValues: {}, modificationTime: 1, dataChange: true },
      }
    }
    commitAs(table, [await put(text!.path, `SELECT '7' AS id`), await put(narrow!.path, 'SELECT 7::INTEGER AS id')])
    expect((await check(tblctl)).problems).toEqual([])
    expect((await check(tblctl, true)).problems).toMatchObject([
      { problem: 'wrong-type', path: text!.path, detail: 'id is Int64 in the table, and Utf8 in the file' },
    ])
  })

  it('goes around a checkpoint that is none, though it is a Parquet file', async () => {
    await using made = await world()
    const { tblctl, table, log, load, warnings } = made
    configure(table, { 'delta.checkpointInterval': '1' })
    await load()
    const checkpoint = readdirSync(log('')).find((name) => name.endsWith('.checkpoint.parquet'))!
    writeFileSync(log(checkpoint), readFileSync(join(table, liveOf(table)[0]!.path)))
    // Another process: this one need not read the log again.
    const other = await made.lake.open({
      reporter: { log: (level, message) => void (level === 'warn' && warnings.push(message)) },
    })
    expect(await count(other)).toEqual([[2n]])
    expect(warnings.join()).toContain(checkpoint)
    expect((await check(tblctl)).problems).toMatchObject([
      { problem: 'corrupt-checkpoint', detail: expect.stringContaining('names no protocol') },
    ])
    rmSync(log(`${pad(0)}.json`))
    const last = await made.lake.open()
    const error = { view: { kind: 'data', code: 'corrupt-checkpoint', where: log(checkpoint) } }
    await expect(count(last)).rejects.toMatchObject(error)
  })
})

describe('a query', () => {
  it.each(['gone', 'a folder'])('says which file is %s, whichever of them it is', async (how) => {
    await using made = await world(3)
    const { tblctl, table } = made
    for (const { path } of liveOf(table)) {
      const file = join(table, path)
      const bytes = readFileSync(file)
      rmSync(file)
      if (how === 'a folder') mkdirSync(file)
      const error = {
        kind: 'missing',
        code: 'file-missing',
        where: file,
        hint: expect.stringContaining('tblctl verify'),
      }
      await expect(rowsOf(tblctl, ref, 'select * from t')).rejects.toMatchObject({ view: error })
      rmSync(file, { recursive: true, force: true })
      writeFileSync(file, bytes)
    }
  })
})

describe('a load', () => {
  it.each(['a folder', 'a dangling link'])('says that %s stands in the place of its commit', async (what) => {
    await using made = await world()
    const { log, load } = made
    const place = log(`${pad(2)}.json`)
    if (what === 'a folder') mkdirSync(place)
    else symlinkSync(log('nowhere'), place)
    const { error } = await load()
    expect(error).toMatchObject({
      code: 'commit-vanished',
      message: expect.stringContaining(place),
      where: place,
      hint: expect.stringContaining('remove it'),
    })
  })
})
