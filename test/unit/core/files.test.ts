import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeFolder, outputTarget } from '../../../src/core/files.ts'

let folder: string
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'tblctl-files-')))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('folders are made from the top, and what was made is told', () => {
  expect(makeFolder(join(folder, 'a/b/c'))).toEqual([join(folder, 'a'), join(folder, 'a/b'), join(folder, 'a/b/c')])
  expect(makeFolder(join(folder, 'a/b/c'))).toEqual([])
  writeFileSync(join(folder, 'plain'), '')
  expect(() => makeFolder(join(folder, 'plain/x'))).toThrow(/ENOTDIR|ENOENT/)
})

test('a folder that no system makes is an error, not an endless loop', () => {
  expect(() => makeFolder('/proc/nowhere/deep')).toThrow()
})

test('an output goes behind a link, never in the place of a pipe or a folder', () => {
  const file = join(folder, 'out.csv')
  expect(outputTarget(file)).toBe(file)
  writeFileSync(file, '')
  symlinkSync(file, join(folder, 'link.csv'))
  expect(outputTarget(join(folder, 'link.csv'))).toBe(file)
  execFileSync('mkfifo', [join(folder, 'pipe')])
  for (const path of [join(folder, 'pipe'), folder, '/dev/null'])
    expect(() => outputTarget(path)).toThrow(
      expect.objectContaining({ view: expect.objectContaining({ kind: 'usage', code: 'not-a-file' }) }),
    )
  expect(statSync(join(folder, 'pipe')).isFIFO()).toBe(true)
  expect(existsSync('/dev/null')).toBe(true)
})
