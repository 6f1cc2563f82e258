import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeScratch } from '../../../src/api/scratch.ts'
import { openIn } from '../../support/open.ts'

test('a run sweeps away what dead ones left, and nothing else', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'tblctl-scratch-'))
  try {
    const isGone = (owner: string) => owner.startsWith('dead/')
    const dead = await makeScratch(parent, 'dead/1/2/x', isGone)
    writeFileSync(join(dead, 'chunk'), 'x')
    const alive = await makeScratch(parent, 'host~a/1/2/y', isGone)
    expect(existsSync(dead)).toBe(false)
    mkdirSync(join(parent, 'run-%zz'))
    mkdirSync(join(parent, 'mine'))
    const own = await makeScratch(parent, 'host~a/3/4/z', isGone)
    expect(readdirSync(parent)).toHaveLength(4)
    expect(existsSync(alive) && existsSync(own)).toBe(true)
  } finally {
    rmSync(parent, { recursive: true })
  }
})

test('many tables at once use one folder, and it goes with the run', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tblctl-scratch-'))
  try {
    writeFileSync(join(folder, 'tblctl.yaml'), 'version: 1\nbackends:\n  lake: { driver: delta, url: "file:./lake" }\n')
    const refs = ['a', 'b', 'c', 'd', 'e'].map((table) => `lake:acme/${table}`)
    {
      await using tblctl = await openIn(folder)
      await tblctl.provision('create', refs, { schema: 'metrics' })
      await tblctl.operate('optimize', { refs: [], all: true }, {}, true)
      expect(readdirSync(join(folder, '.tblctl/scratch'))).toHaveLength(1)
    }
    expect(readdirSync(join(folder, '.tblctl/scratch'))).toEqual([])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
