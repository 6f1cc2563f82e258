/** register --convert and alter on S3: only the ends of the files are fetched. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { openEngine } from '../../src/engine/engine.ts'
import { quoteString } from '../../src/engine/sql-text.ts'
import { startS3Double } from '../servers/s3-double.ts'
import { Lake, rowsOf } from './world.ts'

const ref = 'lake:acme/raw'

async function lakeOn(endpoint: string): Promise<Lake> {
  const lake = new Lake()
  const place = `url: "s3://bucket/lake", endpoint: "${endpoint}", forcePathStyle: true, credentials: { accessKeyId: env:HOME, secretAccessKey: env:HOME }`
  lake.write('tblctl.yaml', `version: 1\nbackends:\n  lake: { driver: delta, ${place} }\n`)
  return lake
}

it('a folder of Parquet files becomes a table that can be altered and read', async () => {
  await using double = await startS3Double('bucket')
  await using lake = await lakeOn(double.endpoint)
  const objects = double.objects('bucket')
  {
    await using engine = await openEngine({ scratch: lake.path('scratch') })
    for (const day of [1, 2]) {
      const file = lake.path(`${day}.parquet`)
      const rows = `SELECT range + ${day} AS id, md5((range * ${day})::varchar) AS text FROM range(20000)`
      await engine.run(`COPY (${rows}) TO ${quoteString(file)} (FORMAT parquet)`)
      const bytes = readFileSync(file)
      objects.set(`lake/projects/acme/raw/day=2026-01-0${day}/a b.parquet`, { bytes, modified: new Date() })
    }
  }
  const tblctl = await lake.open()
  const options = { location: null, labels: {}, convert: true }
  const { items } = await tblctl.provision('register', [ref], options)
  expect(items[0]).toMatchObject({ status: 'changed', result: { answer: 'converted', files: 2, rows: 40_000 } })
  const altered = await tblctl.operate('alter', { refs: [ref] }, { renameColumns: [{ from: 'text', to: 'body' }] })
  expect(altered.items[0]).toMatchObject({ status: 'changed', result: { version: 1 } })
  const sql =
    'select day::varchar, count(*)::int, min(id)::int, any_value(length(body))::int from t group by 1 order by 1'
  expect(await rowsOf(tblctl, ref, sql)).toEqual([
    ['2026-01-01', 20_000, 1, 32],
    ['2026-01-02', 20_000, 2, 32],
  ])
})

it('what is no Parquet file there is said by its name', async () => {
  await using double = await startS3Double('bucket')
  await using lake = await lakeOn(double.endpoint)
  const put = (name: string, bytes: Buffer) =>
    double.objects('bucket').set(`lake/projects/acme/raw/${name}`, { bytes, modified: new Date() })
  const tblctl = await lake.open()
  const refused = async () => {
    const options = { location: null, labels: {}, convert: true }
    return (await tblctl.provision('register', [ref], options)).items[0]!.error
  }
  const long = Buffer.alloc(8)
  long.writeUInt32LE(1_000_000)
  long.write('PAR1', 4)
  for (const bytes of [Buffer.from('PAR1'), Buffer.from('no parquet at all'), long]) {
    put('a.parquet', bytes)
    expect(await refused()).toMatchObject({
      kind: 'data',
      code: 'corrupt-file',
      where: 's3://bucket/lake/projects/acme/raw/a.parquet',
    })
  }
})
