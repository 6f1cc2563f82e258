import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TblctlError } from '../../../src/core/errors.ts'
import { openRegistry } from '../../../src/schemas/registry.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tblctl-schemas-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

const folder = async (name: string, files: Record<string, string>): Promise<string> => {
  await mkdir(join(root, name), { recursive: true })
  for (const [base, text] of Object.entries(files)) await writeFile(join(root, name, base), text)
  return join(root, name)
}
const schema = (name: string, more = '') => `table_name: ${name}\nfields: [{ name: a, data_type: Utf8 }]\n${more}`
const view = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(error instanceof TblctlError)) throw error ?? new Error('nothing was refused')
  return error.view
}

test('a user schema stands beside the shipped ones', async () => {
  const mine = await folder('mine', {
    'orders.yaml': schema('orders', 'version: 4\ndescription: Orders'),
    'notes.txt': 'x',
    '.hidden.yaml': ':',
  })
  const registry = openRegistry([mine])
  expect(await registry.get('orders')).toMatchObject({ name: 'orders', version: 4 })
  expect((await registry.get('metrics')).fields).toHaveLength(19)
  const { schemas } = await registry.list()
  expect(schemas.map(({ name }) => name)).toEqual([...schemas.map(({ name }) => name)].sort())
  expect(schemas.find(({ name }) => name === 'orders')).toEqual({
    name: 'orders',
    version: 4,
    columns: 1,
    description: 'Orders',
    file: join(mine, 'orders.yaml'),
    origin: 'user',
    overrides: null,
  })
})

test('a user schema with a shipped name stands in for it, and says so', async () => {
  const mine = await folder('mine', { 'metrics.yml': schema('metrics') })
  const registry = openRegistry([mine])
  expect((await registry.get('metrics')).fields).toHaveLength(1)
  const entry = (await registry.list()).schemas.find(({ name }) => name === 'metrics')
  expect(entry).toMatchObject({
    origin: 'user',
    file: join(mine, 'metrics.yml'),
    overrides: expect.stringMatching(/schemas.metrics\.yaml$/),
  })
})

describe('what is wrong', () => {
  test('a name that is not there: suggestion and list', async () => {
    const error = await view(openRegistry([]).get('otel_log'))
    expect(error).toMatchObject({
      kind: 'missing',
      code: 'no-such-schema',
      message: 'there is no table schema "otel_log"',
    })
    expect(error.hint).toMatch(/^did you mean otel_logs\? \(schemas are events, hyperdx_sessions, /)
    expect((await view(openRegistry([]).get('zzzzzz'))).hint).toMatch(/^schemas are events/)
  })

  test.each(['../../package', '../schemas/metrics', '/etc/passwd', 'metrics.yaml', '', '\u001b[2J', '__proto__'])(
    'a hostile name %j is only a name that is not there',
    async (name) => {
      const error = await view(openRegistry([]).get(name))
      expect(error.kind).toBe('missing')
      expect(error.message).not.toContain('\u001b')
    },
  )

  test('two files of one name are named both, and hide nothing else', async () => {
    const one = await folder('one', { 'orders.yaml': schema('orders'), 'fine.yaml': schema('fine') })
    const two = await folder('two', { 'orders.yml': schema('orders') })
    const registry = openRegistry([one, two])
    const error = await view(registry.get('orders'))
    expect(error).toMatchObject({ kind: 'config', code: 'ambiguous-schema' })
    expect(error.message).toContain(join(one, 'orders.yaml'))
    expect(error.message).toContain(join(two, 'orders.yml'))
    expect((await registry.get('fine')).name).toBe('fine')
    expect((await registry.list()).broken.map(({ name }) => name)).toEqual(['orders'])
    expect((await openRegistry([one, one]).get('orders')).name).toBe('orders')
  })

  test('a broken file is reported beside the others and read only when asked for', async () => {
    const mine = await folder('mine', {
      'bad.yaml': 'table_name: bad\nfeilds: []',
      'other.yaml': schema('another'),
      'fine.yaml': schema('fine'),
    })
    const registry = openRegistry([mine])
    expect((await registry.get('fine')).name).toBe('fine')
    expect(await view(registry.get('bad'))).toMatchObject({
      kind: 'config',
      where: expect.stringContaining('bad.yaml:'),
    })
    expect(await view(registry.get('other'))).toMatchObject({
      code: 'bad-schema',
      message: 'the file is named after other, its table_name is another',
      hint: 'name the file another.yaml',
    })
    const { schemas, broken } = await registry.list()
    expect(broken.map(({ name, error }) => [name, error.code])).toEqual([
      ['bad', 'bad-schema'],
      ['other', 'bad-schema'],
    ])
    expect(schemas.map(({ name }) => name)).toContain('fine')
    expect(schemas).toHaveLength(13)
  })

  test('a folder in place of a file, and a folder that is not there', async () => {
    const mine = await folder('mine', {})
    await mkdir(join(mine, 'odd.yaml'))
    expect(await view(openRegistry([mine]).get('odd'))).toMatchObject({ kind: 'config', where: join(mine, 'odd.yaml') })
    const gone = await view(openRegistry([join(root, 'gone')]).get('metrics'))
    expect(gone).toMatchObject({ kind: 'config', code: 'bad-schema-folder', where: join(root, 'gone') })
    await writeFile(join(root, 'file'), '')
    expect((await view(openRegistry([join(root, 'file')]).list())).message).toContain('cannot be read')
  })
})
