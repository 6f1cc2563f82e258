/** Where rows cannot go: into the log of a table, and into a table whose files would have no column. */
import { existsSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { commitAs, create, Lake, loadInto, logOf } from './world.ts'

const schema = (name: string): string =>
  `table_name: ${name}\nfields:\n  - { name: id, data_type: Int64, nullable: true }\n  - { name: p, data_type: Utf8, nullable: true }\n`
const ref = 'lake:acme/t'

async function world() {
  const lake = new Lake({ t: schema('t') })
  const tblctl = await lake.open()
  await create(tblctl, ref, 't')
  return { lake, tblctl, table: lake.table('t'), [Symbol.asyncDispose]: () => lake[Symbol.asyncDispose]() }
}

it.each([
  ['_delta_log/00000000000000000001.json', null],
  ['_delta_log/deep/a.json', null],
  ['_delta_log', null],
  ['../link/00000000000000000001.json', '../link'],
])('no file of a user is written to %s', async (name, link) => {
  await using made = await world()
  const { lake, tblctl, table } = made
  await loadInto(tblctl, lake.folder, ref, [lake.rows('a.ndjson', [{ id: 1 }])], { batchId: 'one' })
  if (link !== null) symlinkSync(join(table, '_delta_log'), join(table, link))
  const log = logOf(table)
  const file = join(table, name)
  await expect(tblctl.export(ref, { format: 'ndjson', out: file })).rejects.toMatchObject({
    view: { kind: 'usage', code: 'log-folder', where: '--out' },
  })
  await expect(loadInto(tblctl, lake.folder, ref, ['a.ndjson'], { again: true, rejectTo: file })).rejects.toMatchObject(
    {
      view: { kind: 'usage', code: 'log-folder', where: '--reject-to' },
    },
  )
  expect(logOf(table)).toEqual(log)
  expect(existsSync(join(table, '_delta_log/deep'))).toBe(false)
  // Beside it there is no objection.
  expect(await tblctl.export(ref, { format: 'ndjson', out: lake.path('my_delta_log.json') })).toMatchObject({ rows: 1 })
})

it('a table whose columns all partition it takes no rows until it has another', async () => {
  await using made = await world()
  const { lake, tblctl, table } = made
  const { metaData } = Object.assign({}, ...logOf(table)[0]!) as any
  commitAs(table, [{ metaData: { ...metaData, partitionColumns: ['id', 'p'] } }])
  const input = lake.rows('a.ndjson', [{ id: 1, p: 'x' }])
  for (const more of [{}, { mode: 'overwrite' }, { mode: 'merge', key: ['id'] }] as const)
    expect((await loadInto(tblctl, lake.folder, ref, [input], more)).error).toMatchObject({
      kind: 'refused',
      code: 'no-data-columns',
    })
  await tblctl.operate('alter', { refs: [ref] }, { addColumns: [{ name: 'note', type: 'Utf8' }] })
  expect(await loadInto(tblctl, lake.folder, ref, [input])).toMatchObject({ status: 'changed', result: { rows: 1 } })
})
