/** `tblctl alter` as people type it, over a Delta table on the disk. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { metric, openWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
  await world.ok('create', 'lake:acme/m', 'mem:acme/m', '--schema', 'metrics')
})
afterAll(() => world[Symbol.asyncDispose]())

const columns = async (): Promise<string[]> =>
  (await world.json('describe', 'lake:acme/m')).schema.fields.map((field: { name: string }) => field.name)

describe('alter', () => {
  it('asks first, and without a terminal says that -y approves', async () => {
    const result = await world.cli(['alter', 'lake:acme/m', '--add-column', 'note Utf8'])
    expect(result).toMatchObject({ code: 64, stdout: '', stderr: expect.stringContaining('-y') })
    expect(result.stderr).toContain('add column note Utf8, null in the rows that are there')
  })

  it('adds, renames and drops columns, sets and removes properties, in one command', async () => {
    const changes = [
      '--add-column',
      'event Struct("a": Utf8)',
      '--rename-column',
      'value=amount',
      '--drop-column',
      'unit',
    ]
    const dry = await world.ok('alter', 'lake:acme/m', ...changes, '--set', 'team=blue', '--dry-run')
    expect(dry.stdout.split('\n').slice(0, 6)).toEqual([
      'would alter lake:acme/m',
      '  drop column unit: no reader sees it any more; its values stay in the files',
      '  rename column value to amount',
      '  add column event Struct("a": Utf8), null in the rows that are there',
      '  set team to blue',
      "  the table's protocol rises from 1/2 to 2/5: readers below reader version 2 can no longer read it",
    ])
    const { items } = await world.json('alter', 'lake:acme/m', ...changes, '--set', 'team=blue', '-y')
    expect(items[0].result).toEqual({
      version: 1,
      columnsAdded: 1,
      columnsRenamed: 1,
      columnsDropped: 1,
      propertiesSet: 1,
      verified: ['log'],
    })
    expect(await columns()).toEqual(expect.arrayContaining(['event', 'amount']))
    expect(await columns()).not.toContain('unit')
    expect((await world.ok('alter', 'lake:acme/m', ...changes, '-y')).stdout).toContain('unchanged')
    const unset = await world.ok('alter', 'lake:acme/m', '--unset', 'team', '-y')
    expect(unset.stdout).toContain('version 2, properties removed 1, verified log')
  })

  it('takes a quoted name, and a value with an equals sign', async () => {
    await world.ok('alter', 'lake:acme/m', '--add-column', '"two ""words""" Int64', '--set', 'note=a=b', '-y')
    expect(await columns()).toContain('two "words"')
    expect((await world.json('describe', 'lake:acme/m')).details.properties.note).toBe('a=b')
  })

  it('takes names that every object has', async () => {
    const absent = await world.ok('alter', 'lake:acme/m', '--unset', 'constructor', '-y')
    expect(absent.stdout).toContain('unchanged')
    await world.ok('alter', 'lake:acme/m', '--set', 'constructor=1', '-y')
    expect((await world.json('describe', 'lake:acme/m')).details.properties.constructor).toBe('1')
    expect((await world.ok('alter', 'lake:acme/m', '--unset', 'constructor', '-y')).stdout).toContain('removed 1')
  })

  it('says how long rows are kept', async () => {
    const { stdout } = await world.ok('alter', 'lake:acme/m', '--retention', '30d', '--dry-run')
    expect(stdout).toContain('keep rows for 30d; those that are older go with vacuum --expired')
    await world.ok('alter', 'lake:acme/m', '--retention', '30d', '-y')
    expect((await world.json('describe', 'lake:acme/m')).details.properties['tblctl.retention']).toBe('30d')
    expect((await world.ok('alter', 'lake:acme/m', '--retention', 'none', '--dry-run')).stdout).toContain('for ever')
  })

  it.each<[string, string[], number, string]>([
    ['nothing', [], 64, 'nothing is said that should change'],
    ['a column without a type', ['--add-column', 'note'], 64, '"note" is no column: a name and a type'],
    ['a type that is none', ['--add-column', 'note Text'], 64, 'unknown type "Text"'],
    ['a rename to nothing', ['--rename-column', 'value'], 64, 'write OLD=NEW'],
    ['a property without a value', ['--set', '=x'], 64, 'write PROPERTY=VALUE'],
    ['a value that cannot be', ['--set', 'delta.appendOnly=maybe'], 64, 'it must be true or false'],
    ['a name twice', ['--drop-column', 'metric_name', '--add-column', 'metric_name Utf8'], 64, 'is named twice'],
    ['a property that Delta lacks', ['--set', 'delta.appendonly=true'], 1, 'did you mean delta.appendOnly?'],
    ['a column that is not there', ['--rename-column', 'metric_nam=x'], 1, 'did you mean metric_name?'],
    ['a table schema that is not there', ['--to-schema', 'metrcs'], 66, 'did you mean metrics?'],
    ['another table schema', ['--to-schema', 'events'], 1, 'column event_id is not there and may not be null'],
    ['a property that no object can hold', ['--set', '__proto__=1'], 64, '--set: __proto__ cannot be the name'],
    ['to remove it', ['--unset', '__proto__'], 64, '--unset: __proto__ cannot be the name'],
    [
      '--apply-now, which is not there',
      ['--retention', '1d', '--apply-now'],
      64,
      'tables of backend lake (delta) have no option --apply-now',
    ],
  ])('refuses %s', async (_what, flags, code, told) => {
    const result = await world.cli(['alter', 'lake:acme/m', ...flags, '-y'])
    expect(result).toMatchObject({ code, stderr: expect.stringContaining(told) })
  })

  it('of a driver that cannot names those that can', async () => {
    const result = await world.cli(['alter', 'mem:acme/m', '--add-column', 'note Utf8', '-y'])
    expect(result).toMatchObject({ code: 64, stderr: expect.stringMatching(/drivers that can: .*delta/) })
  })
})

describe('register --convert', () => {
  it('shows files, rows and columns first, and then makes a table of them', async () => {
    await world.write('rows.ndjson', metric(1) + metric(2))
    await world.ok('create', 'mem:acme/source', '--schema', 'metrics')
    await world.ok('load', 'mem:acme/source', 'rows.ndjson')
    await mkdir(join(world.folder, 'plain'))
    await world.ok('export', 'mem:acme/source', '--format', 'parquet', '--out', 'plain/part.parquet')
    const register = ['register', 'lake:acme/plain', '--location', './plain', '--convert']
    expect((await world.ok(...register, '--dry-run')).stdout).toMatch(
      /in place, as lake:acme\/plain: 1 files \(.*\), 2 rows, \d+ columns/,
    )
    expect((await world.json('list')).items.map(({ ref }: { ref: string }) => ref)).not.toContain('lake:acme/plain')
    expect((await world.ok(...register)).stdout).toContain('converted')
    const [row] = (await world.json('query', 'lake:acme/plain', 'select count(*) as n from t')).rows
    expect(row).toEqual({ n: 2 })
  })

  it('is refused where no driver has it', async () => {
    const result = await world.cli(['register', 'mem:acme/x', '--convert'])
    expect(result).toMatchObject({ code: 64, stderr: expect.stringContaining('--convert') })
  })
})
