/** The ends of Parquet objects: footers are read from them as from the whole file, and little travels. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Engine, openEngine } from '../../../src/engine/engine.ts'
import { quotePath } from '../../../src/engine/sql-text.ts'
import { footerCopies } from '../../../src/storage/footer-copies.ts'
import { openLocalStore } from '../../../src/storage/local.ts'
import type { ObjectStore } from '../../../src/storage/object-store.ts'

let folder: string
let engine: Engine
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tblctl-footers-'))
  mkdirSync(join(folder, 'scratch'))
  mkdirSync(join(folder, 'store'))
  engine = await openEngine({ scratch: join(folder, 'scratch') })
  const wide = Array.from({ length: 400 }, (_, i) => `i + ${i} AS "a long name of column number ${i}"`)
  await engine.run(`COPY (SELECT range AS id FROM range(200000)) TO '${join(folder, 'store/long.parquet')}'`)
  await engine.run(
    `COPY (SELECT ${wide.join(', ')} FROM range(5000) AS t(i)) TO '${join(folder, 'store/wide.parquet')}' (ROW_GROUP_SIZE 2048)`,
  )
  writeFileSync(join(folder, 'store/short.parquet'), 'PAR1')
  writeFileSync(join(folder, 'store/empty.parquet'), '')
  writeFileSync(join(folder, 'store/wrong.parquet'), `${'x'.repeat(100)}\xff\xff\xff\x7fPAR1`, 'latin1')
})
afterAll(async () => {
  await engine[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

/** A store whose objects are far away, and the bytes that came from it. */
function farAway(): { store: ObjectStore; travelled: () => number } {
  let bytes = 0
  const near = openLocalStore(join(folder, 'store'))
  const store: ObjectStore = {
    ...near,
    localPath: () => null,
    async read(key, range) {
      const read = await near.read(key, range)
      bytes += read?.length ?? 0
      return read
    },
  }
  return { store, travelled: () => bytes }
}
const scratch = () => ({ scratch: join(folder, 'scratch') })
const rowsIn = async (path: string) =>
  Number((await engine.all(`SELECT num_rows FROM parquet_file_metadata(${quotePath(path)})`))[0]!.num_rows)

describe('copies of footers', () => {
  it('tell the rows of files of any width, and are gone afterwards', async () => {
    const { store, travelled } = farAway()
    const before = readdirSync(join(folder, 'scratch'))
    {
      await using copies = await footerCopies(store, [{ key: 'wide.parquet' }, { key: 'long.parquet' }], scratch())
      expect(await Promise.all(copies.paths.map(rowsIn))).toEqual([5000, 200_000])
      expect(copies.names.get(copies.paths[1]!)).toBe(`${store.url}/long.parquet`)
      const sizes = (await Promise.all(['wide', 'long'].map((name) => store.head(`${name}.parquet`)))).map(
        (info) => info!.size,
      )
      expect(travelled()).toBeLessThan((sizes[0]! + sizes[1]!) / 2)
    }
    expect(readdirSync(join(folder, 'scratch'))).toEqual(before)
  })

  it('of what is near nothing is copied', async () => {
    const near = openLocalStore(join(folder, 'store'))
    await using copies = await footerCopies(near, [{ key: 'long.parquet' }], scratch())
    expect(copies.paths).toEqual([join(folder, 'store/long.parquet')])
    expect(existsSync(copies.paths[0]!)).toBe(true)
  })

  it('of an object that is not there there is none, and nothing is left', async () => {
    const before = readdirSync(join(folder, 'scratch'))
    await expect(
      footerCopies(farAway().store, [{ key: 'long.parquet' }, { key: 'none.parquet' }], scratch()),
    ).rejects.toMatchObject({
      view: { code: 'file-missing', where: expect.stringContaining('none.parquet') },
    })
    const signal = AbortSignal.abort(new Error('stopped'))
    await expect(footerCopies(farAway().store, [{ key: 'long.parquet' }], { ...scratch(), signal })).rejects.toThrow(
      'stopped',
    )
    expect(readdirSync(join(folder, 'scratch'))).toEqual(before)
  })

  it.each(['short', 'empty', 'wrong'])('%s: is no Parquet file, by its name', async (name) => {
    const key = `${name}.parquet`
    await expect(footerCopies(farAway().store, [{ key }], scratch())).rejects.toMatchObject({
      view: { code: 'corrupt-file', where: expect.stringContaining(key) },
    })
  })

  it('of an object that is not as long as it was there is none', async () => {
    const { store } = farAway()
    const size = (await store.head('long.parquet'))!.size
    await expect(footerCopies(store, [{ key: 'long.parquet', size: size + 1 }], scratch())).rejects.toMatchObject({
      view: { code: 'file-changed', retry: 'later' },
    })
  })
})
