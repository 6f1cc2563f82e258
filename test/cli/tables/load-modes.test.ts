/** `tblctl load --mode …`, as it is typed. */
import { describe, expect, it } from 'vitest'
import { openWorld } from './world.ts'

const schema =
  'table_name: users\nprimary_key: [id]\nfields:\n  - { name: id, data_type: Int64, nullable: false }\n  - { name: name, data_type: Utf8, nullable: true }\n'
const lines = (...rows: object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')

async function world() {
  const made = await openWorld(
    'version: 1\nschemas: [./schemas]\nbackends:\n  mem: { driver: memory, file: mem.db }\n  lake: { driver: delta, url: "file:./lake" }\n',
  )
  const { mkdir } = await import('node:fs/promises')
  await mkdir(`${made.folder}/schemas`)
  await made.write('schemas/users.yaml', schema)
  await made.ok('create', 'lake:acme/users', 'mem:acme/users', '--schema', 'users')
  await made.write('a.ndjson', lines({ id: 1, name: 'ann' }, { id: 2, name: 'bob' }))
  await made.write('b.ndjson', lines({ id: 2, name: 'rob' }, { id: 3, name: 'cid' }))
  await made.ok('load', 'lake:acme/users', 'a.ndjson')
  return made
}
const ref = 'lake:acme/users'

describe('load --mode', () => {
  it('merge: by --key, or by the key of the table schema', async () => {
    await using made = await world()
    const report = await made.json('load', ref, 'b.ndjson', '--mode', 'merge', '--key', 'id')
    expect(report.items[0].result).toMatchObject({ rowsInserted: 1, rowsUpdated: 1, filesRemoved: 1, filesAdded: 2 })
    expect((await made.json('query', ref, 'select id, name from t order by id')).rows).toEqual([
      { id: 1, name: 'ann' },
      { id: 2, name: 'rob' },
      { id: 3, name: 'cid' },
    ])
    const { stdout } = await made.ok('load', ref, 'a.ndjson', '--mode', 'merge')
    expect(stdout).toMatch(/rows 2, rows inserted 0, rows updated 2, files \d → \d/)
    expect(stdout).not.toMatch(/superseded|duplicates/)
  })

  it('overwrite: asks, says what goes, and a dry run changes nothing', async () => {
    await using made = await world()
    const dry = await made.ok('load', ref, 'b.ndjson', '--mode', 'overwrite', '--dry-run')
    expect(dry.stdout).toMatch(/takes the place of 2 rows of lake:acme\/users \(1 files, /)
    const unasked = await made.cli(['load', ref, 'b.ndjson', '--mode', 'overwrite'])
    expect([unasked.code, unasked.stderr]).toEqual([64, expect.stringContaining('needs an approval')])
    const { stdout } = await made.ok('load', ref, 'b.ndjson', '--mode', 'overwrite', '-y')
    expect(stdout).toMatch(/rows 2 → 2, files 1 → 1/)
    expect((await made.json('query', ref, 'select name from t order by id')).rows).toEqual([
      { name: 'rob' },
      { name: 'cid' },
    ])
  })

  it.each([
    [[ref, 'a.ndjson', '--key', 'id'], 'only --mode merge has a key'],
    [[ref, 'a.ndjson', '--mode', 'replace'], 'append, merge, overwrite'],
    [[ref, 'a.ndjson', '--mode', 'merge', '--key', 'nope'], 'nope is no column of the table'],
    [
      ['mem:acme/users', 'a.ndjson', '--mode', 'merge', '--key', 'id'],
      'tables of backend mem (memory) have no option --mode or --key',
    ],
  ])('load %j is a usage error', async (args, said) => {
    await using made = await world()
    const { code, stderr, stdout } = await made.cli(['load', ...args])
    expect([code, stderr + stdout]).toEqual([64, expect.stringContaining(said)])
  })
})
