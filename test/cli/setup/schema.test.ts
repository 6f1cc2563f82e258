import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Project } from './project.ts'

const small = `table_name: small
version: 2
description: a small one
partitions: [day]
primary_key: [id]
retention: 30d
time_column: day
sorting_columns: [{ name: id, descending: true, nulls_first: true }]
fields:
  - { name: id, data_type: Int64, nullable: false, description: the key }
  - { name: day, data_type: Date32, nullable: false }
  - { name: note, data_type: Utf8, nullable: true }
`
let project: Project
beforeEach(() => {
  project = new Project('version: 1\nschemas: [./schemas]\n')
  mkdirSync(join(project.folder, 'schemas'))
  project.write('schemas/small.yaml', small)
})
afterEach(() => project[Symbol.dispose]())

describe('schema list', () => {
  it('has the shipped ones and those of the config', async () => {
    const { stdout } = await project.ok('schema list')
    expect(stdout).toMatch(/^small +2 +3 +user +a small one$/m)
    expect(stdout).toMatch(/^metrics +1 +19 +shipped /m)
    using empty = new Project(null)
    expect((await empty.ok('schema list -o name')).stdout.split('\n')).toContain('otel_logs_and_spans')
  })

  it('tells of a broken one, shows the others and exits with 78', async () => {
    project.write('schemas/bad.yaml', 'table_name: bad\nfields: []\n')
    const result = await project.run(['schema', 'list', '-o', 'json'])
    expect(result.code).toBe(78)
    const { items, broken } = JSON.parse(result.stdout)
    expect(items.map((item: { name: string }) => item.name)).toContain('small')
    expect(broken).toMatchObject([{ name: 'bad', error: { kind: 'config' } }])
    expect(result.stderr).toMatch(/^warning: .*schemas\/bad\.yaml:2:/)
  })

  it('fails with a config that is named and missing, or broken', async () => {
    expect((await project.run(['schema', 'list', '-c', 'nope.yaml'])).code).toBe(78)
    project.write('tblctl.yaml', 'version: 1\nschemas: [./nope]\n')
    expect(await project.run(['schema', 'list'])).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('there is no such folder'),
    })
  })
})

describe('schema show', () => {
  it('shows what is set, and the columns', async () => {
    expect((await project.ok('schema show small')).stdout).toBe(`name         small
version      2
description  a small one
partitions   day
sorted by    id descending nulls first
primary key  id
time column  day
retention    30d

Columns
  NAME  TYPE    NULLABLE  DESCRIPTION
  id    Int64   no        the key
  day   Date32  no
  note  Utf8    yes
`)
  })
  it('is JSON with types as text, and takes a file', async () => {
    const shown = await project.json('schema show ./schemas/small.yaml')
    expect(shown).toMatchObject({ kind: 'TableSchema', name: 'small', retention: '30d', primaryKey: ['id'] })
    expect(shown.fields[0]).toEqual({ name: 'id', type: 'Int64', nullable: false, description: 'the key' })
  })
  it.each([
    [['metrisc'], 66, 'did you mean metrics?'],
    [['./nope.yaml'], 66, 'there is no file ./nope.yaml'],
    [['./schemas'], 1, 'cannot be read (EISDIR)'],
    [[], 64, "missing required argument 'schema'"],
  ])('%j is refused with %i', async (words, code, said) => {
    expect(await project.run(['schema', 'show', ...words])).toMatchObject({
      code,
      stdout: '',
      stderr: expect.stringContaining(said),
    })
  })
})

describe('schema validate', () => {
  it('says what is wrong with each file, and 78 when a schema is', async () => {
    project.write('bad.yaml', small.replace('Int64', 'Int46').replace('[day]', '[dya]'))
    const { code, stdout, stderr } = await project.run(['schema', 'validate', 'schemas/small.yaml', 'bad.yaml'])
    expect(code).toBe(78)
    expect(stdout).toBe(
      'FILE                VALID  SCHEMA  COLUMNS\nschemas/small.yaml  yes    small         3\nbad.yaml            no     -             -\n',
    )
    expect(stderr).toMatch(/^error: bad\.yaml:10:28: 2 problems/)
    expect(stderr).toContain('bad.yaml:4:14')
    expect((await project.run(['schema', 'validate', 'schemas/small.yaml'])).code).toBe(0)
  })
  it('is 66 for a missing file, 1 for a mixture, and JSON', async () => {
    project.write('bad.yaml', 'fields: 1')
    expect((await project.run(['schema', 'validate', 'nope.yaml'])).code).toBe(66)
    const mixed = await project.run(['schema', 'validate', 'nope.yaml', 'bad.yaml', '-o', 'json'])
    expect(mixed).toMatchObject({ code: 1, stderr: '' })
    expect(JSON.parse(mixed.stdout).items).toMatchObject([
      { file: 'nope.yaml', valid: false, schema: null, error: { code: 'file-not-found' } },
      { file: 'bad.yaml', valid: false, error: { code: 'bad-schema' } },
    ])
  })
})

describe('schema diff', () => {
  const changed = small
    .replace('Int64', 'Utf8')
    .replace('description: a small one', 'description: another')
    .replace('[day]', '[]')
    .replace('30d', '7d')
    .replace('name: id, descending', 'name: note, descending')
    .replace('primary_key: [id]', 'dedup_keys: [id]\nz_order_columns: [id]\ndelta: { a: 1 }')
    .replace(
      '  - { name: note, data_type: Utf8, nullable: true }',
      '  - { name: day2, data_type: Date32, nullable: false }',
    )
    .replace('name: note, descending', 'name: day, descending')
    .replace('name: day, data_type: Date32, nullable: false', 'name: day, data_type: Date32, nullable: true')

  it('shows every kind of change, what is safe and what is rewritten', async () => {
    project.write('new.yaml', changed)
    const { stdout } = await project.ok('schema diff small new.yaml')
    const lines = stdout.split('\n').map((line) => line.replace(/ {2,}/g, ' | '))
    expect(lines).toEqual([
      'CHANGE | SAFE | REWRITES | WHY',
      '- note Utf8 | no | nothing | its values are gone',
      '+ day2 Date32 not null | no | table | rows that are there have no value, and it must have one',
      '~ id Int64 → Utf8 | no | column | values that do not fit are lost or refused',
      '~ day nullable | yes | nothing | rows that are there all have a value',
      '~ description | yes | nothing | no row is touched',
      '~ partitions day → none | no | table | every row moves to a new place',
      '~ sorting_columns id → day | no | table | rows that are there keep the old order until they are written again',
      '~ z_order_columns none → id | yes | nothing | the next optimize clusters by them',
      '~ primary_key id → none | no | table | rows that are there may not be unique under it',
      '~ retention 30d → 7d | no | nothing | rows older than 7d will be removed',
      '~ dedup_keys none → id | no | nothing | other rows count as versions of one row',
      '~ section delta | no | table | the driver decides what it costs',
      '',
    ])
    const { items, from, to } = await project.json('schema diff small new.yaml')
    expect([from, to]).toEqual(['small', 'small'])
    expect(items[0]).toMatchObject({ is: 'drop-column', field: { name: 'note', type: 'Utf8', nullable: true } })
    expect(items[2]).toMatchObject({ is: 'change-type', column: 'id', from: 'Int64', to: 'Utf8', safe: false })
    expect((await project.ok('schema diff small new.yaml -o name')).stdout).toMatch(/^drop-column\nadd-column\n/)
  })

  it('says so when there is none, and has an exit code for it on request', async () => {
    project.write('new.yaml', changed)
    expect(await project.ok('schema diff small schemas/small.yaml --detailed-exitcode')).toMatchObject({
      stdout: '',
      stderr: 'no difference\n',
    })
    expect((await project.run(['schema', 'diff', 'small', 'new.yaml', '--detailed-exitcode'])).code).toBe(2)
    expect((await project.run(['schema', 'diff', 'small', 'nope'])).code).toBe(66)
  })

  it('names widened types, reordered columns and descriptions of columns', async () => {
    const [first, second] = ['data_type: Int32', 'data_type: Int64, description: wide'].map(
      (type) => `{ name: a, ${type} }`,
    )
    const file = (fields: string) => `table_name: t\nfields: [${fields}]\n`
    project.write('a.yaml', file(`${first}, { name: b, data_type: Utf8 }`))
    project.write('b.yaml', file(`{ name: b, data_type: Utf8 }, ${second}`))
    const { stdout } = await project.ok('schema diff a.yaml b.yaml')
    expect(stdout).toMatch(/^~ a Int32 → Int64 +yes +column/m)
    expect(stdout).toMatch(/^~ a description +yes/m)
    expect(stdout).toMatch(/^~ order of the columns +no/m)
  })
})

describe('schema infer', () => {
  const rows = '{"timestamp":"2026-01-01T00:00:00Z","n":1,"tags":["a"]}\n{"timestamp":"2026-01-02T00:00:00Z","n":1.5}\n'

  it('prints YAML that is a schema of these rows', async () => {
    project.write('my rows.ndjson', rows)
    const { stdout } = await project.run(['schema', 'infer', 'my rows.ndjson'])
    project.write('schemas/my_rows.yaml', stdout)
    expect(await project.json('schema show my_rows')).toMatchObject({
      name: 'my_rows',
      timeColumn: 'timestamp',
      fields: [
        { name: 'timestamp', type: 'Timestamp(Microsecond, Some("UTC"))', nullable: true },
        { name: 'n', type: 'Float64' },
        { name: 'tags', type: 'List(Utf8)' },
      ],
    })
  })

  it('takes CSV, a name and a format', async () => {
    project.write('data', 'id,day\n1,2026-01-01\n')
    const { stdout } = await project.ok('schema infer data --format csv --name daily')
    expect(stdout).toContain('table_name: daily')
    expect(stdout).toContain('{ name: day, data_type: Date32, nullable: true }')
  })

  it.each([
    [['nope.ndjson'], 66, 'there is no file'],
    [['empty.csv'], 1, 'is empty'],
    [['bad.ndjson'], 1, 'bad.ndjson:1'],
    [['head.csv'], 1, 'the columns of the input make no table schema'],
    [['data'], 64, 'use --format ndjson, csv or parquet'],
    [['bad.ndjson', 'empty.csv'], 64, 'the files have several formats: ndjson, csv'],
    [['bad.ndjson', '--name', 'a/b'], 64, '"a/b" is no name of a table schema'],
    [['bad.ndjson', '--format', 'josn'], 64, '"josn" is no format'],
    [['bad.ndjson', '-o', 'json'], 64, 'schema infer does not take -o'],
    [['torn.parquet'], 1, 'torn.parquet'],
  ])('%j is refused with %i', async (words, code, said) => {
    project.write('empty.csv', '')
    project.write('data', 'a')
    project.write('bad.ndjson', '{"a":\n')
    project.write('head.csv', 'a,A\n1,2\n')
    project.write('torn.parquet', 'PAR1 and no more')
    expect(await project.run(['schema', 'infer', ...words])).toMatchObject({
      code,
      stdout: '',
      stderr: expect.stringContaining(said),
    })
  })
})

describe('schema export', () => {
  it('prints JSON Schema, SQL, YAML and what drivers bring', async () => {
    const out = async (format: string) => (await project.ok(`schema export small --format ${format}`)).stdout
    expect(JSON.parse(await out('json-schema'))).toMatchObject({ title: 'small', required: ['id', 'day'] })
    expect(await out('sql')).toMatch(/^CREATE TABLE "small" \(\n {2}"id" BIGINT NOT NULL,/)
    expect(JSON.parse(await out('delta'))).toMatchObject({
      type: 'struct',
      fields: [{ name: 'id', type: 'long' }, {}, {}],
    })
    project.write('schemas/again.yaml', (await out('yaml')).replace('table_name: small', 'table_name: again'))
    expect((await project.ok('schema diff small again')).stderr).toBe('no difference\n')
  })

  it('writes a file, and replaces it', async () => {
    project.write('out.sql', 'old')
    expect(await project.ok('schema export small --format sql --out out.sql')).toMatchObject({ stdout: '', stderr: '' })
    expect(project.read('out.sql')).toMatch(/^CREATE TABLE/)
  })

  it.each([
    [['small'], 64, 'schema export needs --format'],
    [['small', '--format', 'avro'], 64, 'formats are yaml, json-schema, sql, delta'],
    [['small', '--format', 'dleta'], 64, 'did you mean delta?'],
    [['smal', '--format', 'sql'], 66, 'did you mean small?'],
    [['small', '--format', 'sql', '--out', 'tblctl.yaml/x'], 1, 'tblctl.yaml/x cannot be written'],
  ])('%j is refused with %i', async (words, code, said) => {
    expect(await project.run(['schema', 'export', ...words])).toMatchObject({
      code,
      stdout: '',
      stderr: expect.stringContaining(said),
    })
  })
})
