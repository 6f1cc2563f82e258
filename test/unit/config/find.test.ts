import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { displayPath, findConfig } from '../../../src/config/find.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { readSource } from '../../../src/config/source.ts'
import { drivers, load, put, temporaryFolder, viewOf } from './fixture.ts'

describe('findConfig', () => {
  test('goes upward from the working directory, past folders of that name', async () => {
    const root = await temporaryFolder()
    await put(root, { 'tblctl.yaml': '' })
    await mkdir(join(root, 'a/b/tblctl.yaml'), { recursive: true })
    expect(await findConfig({ env: {}, cwd: join(root, 'a/b') })).toEqual({
      file: join(root, 'tblctl.yaml'),
      origin: 'working directory',
    })
  })

  test('flag before variable before search', async () => {
    const root = await temporaryFolder()
    await put(root, { 'tblctl.yaml': '', 'one.yaml': '', 'two.yaml': '' })
    const env = { TBLCTL_CONFIG: 'two.yaml' }
    expect(await findConfig({ flag: 'one.yaml', env, cwd: root })).toEqual({
      file: join(root, 'one.yaml'),
      origin: 'flag --config',
    })
    expect(await findConfig({ env, cwd: root })).toEqual({ file: join(root, 'two.yaml'), origin: 'env TBLCTL_CONFIG' })
    expect(await findConfig({ env: { TBLCTL_CONFIG: '' }, cwd: root })).toMatchObject({ origin: 'working directory' })
  })

  test('what is named must be there', async () => {
    const cwd = await temporaryFolder()
    await mkdir(join(cwd, 'folder'))
    const missing = { kind: 'config', code: 'config-missing', hint: 'tblctl init' }
    const find = (flag: string | undefined, env = {}) => viewOf(() => findConfig({ flag, env, cwd }))
    expect(await find('no.yaml')).toMatchObject({ ...missing, where: '--config' })
    expect(await find('')).toMatchObject({ ...missing, where: '--config' })
    expect((await find('folder')).message).toContain('is a folder')
    expect(await find(undefined, { TBLCTL_CONFIG: 'no.yaml' })).toMatchObject({ ...missing, where: 'TBLCTL_CONFIG' })
  })

  test('none anywhere', async () => {
    const cwd = await temporaryFolder()
    expect(await viewOf(() => findConfig({ env: {}, cwd }))).toMatchObject({
      kind: 'config',
      code: 'config-not-found',
      where: cwd,
      hint: 'tblctl init',
    })
  })
})

test('paths are told short below the working directory, else whole', async () => {
  expect(displayPath('/a/b/tblctl.yaml', '/a')).toBe('b/tblctl.yaml')
  expect(displayPath('/a/tblctl.yaml', '/a/b')).toBe('/a/tblctl.yaml')
  const root = await temporaryFolder()
  await put(root, { 'sub/x': '' })
  await load('version: 1\n', { cwd: root })
  await put(root, { 'tblctl.yaml': 'version: 1\nzzz: 1\n' })
  const view = await viewOf(async () => {
    await loadConfig({ flags: {}, env: {}, home: root, cwd: join(root, 'sub'), drivers, warn: () => {} })
  })
  expect(view.where).toBe(`${join(root, 'tblctl.yaml')}:2:1`)
})

test('what cannot be read is a config error', async () => {
  const folder = await temporaryFolder()
  const unreadable = { kind: 'config', code: 'config-unreadable', where: 'x.yaml' }
  expect(await viewOf(() => readSource(folder, 'x.yaml'))).toMatchObject(unreadable)
  expect(await viewOf(() => readSource(join(folder, 'gone'), 'x.yaml'))).toMatchObject(unreadable)
})
