/** `--memory` is of the whole process: a million rows of 20 columns along a curve, as bench/zorder.ts does it, and its peak. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import type { Measured } from '../../bench/in-turns.ts'
import { makeWideTable } from '../../bench/wide-table.ts'
import { runChild } from '../support/child.ts'

const bench = fileURLToPath(new URL('../../bench/zorder.ts', import.meta.url))

it('--zorder --memory 600MB takes no more than that', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tblctl-memory-'))
  try {
    await makeWideTable(folder, 20, 50_000)
    const ended = await runChild(bench, ['tblctl', folder], { cwd: folder, env: {} })
    expect(ended.code, ended.stderr).toBe(0)
    const { rss, bytes } = JSON.parse(ended.stdout) as Measured
    expect(bytes).toBeGreaterThan(50_000_000)
    expect(rss).toBeLessThanOrEqual(600)
  } finally {
    rmSync(folder, { recursive: true })
  }
}, 180_000)
