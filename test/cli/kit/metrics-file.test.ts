import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { metricsText, type RunFacts } from '../../../src/cli/output/metrics-file.ts'
import { runCli } from '../../support/run-cli.ts'

const facts = (more: Partial<RunFacts> = {}): RunFacts => ({
  verb: 'optimize',
  startedAt: new Date(1_000_000),
  endedAt: new Date(1_002_500),
  exitCode: 0,
  items: { changed: 2, unchanged: 1, failed: 0, skipped: 0 },
  ...more,
})

describe('text', () => {
  it('is what Prometheus reads', async () => {
    await expect(metricsText('', facts())).toMatchFileSnapshot('../../golden/metrics-file.prom')
  })

  it('keeps the last success of a verb that fails, and what others wrote', () => {
    const first = metricsText('', facts())
    const second = metricsText(first, facts({ verb: 'vacuum', items: null }))
    const third = metricsText(second, facts({ exitCode: 75, endedAt: new Date(9_000_000), items: null }))
    expect(third).toContain('tblctl_last_success_timestamp_seconds{verb="optimize"} 1002.5\n')
    expect(third).toContain('tblctl_last_run_timestamp_seconds{verb="optimize"} 9000\n')
    expect(third).toContain('tblctl_last_run_exit_code{verb="optimize"} 75\n')
    expect(third).toContain('tblctl_last_run_exit_code{verb="vacuum"} 0\n')
    expect(third).not.toContain('status="changed"')
    expect(third.match(/# TYPE/g)).toHaveLength(4)
  })

  it('escapes labels and reads them back', () => {
    const odd = facts({ verb: 'a"b\\c\nd', items: null })
    const text = metricsText('', odd)
    expect(text).toContain('{verb="a\\"b\\\\c\\nd"} 1002.5')
    expect(metricsText(text, odd)).toBe(text)
  })

  it('drops what it did not write', () => {
    expect(metricsText('garbage\nother_metric{verb="x"} 1\ntblctl_unknown{verb="x"} 1\n', facts())).toBe(
      metricsText('', facts()),
    )
  })
})

describe('file', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tblctl-metrics-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('is written at the end of a run, whole, and nothing is left beside it', async () => {
    const path = join(folder, 'x.prom')
    expect(await runCli(['version', '--metrics-file', path])).toMatchObject({ code: 0, stderr: '' })
    await runCli(['help', 'nothing', '--metrics-file', path])
    const text = await readFile(path, 'utf8')
    expect(text).toContain('tblctl_last_run_exit_code{verb="version"} 0')
    expect(text).toContain('tblctl_last_run_exit_code{verb="help"} 64')
    expect(await readdir(folder)).toEqual(['x.prom'])
  })

  it('that cannot be written is a warning', async () => {
    const missing = await runCli(['version', '--metrics-file', join(folder, 'no', 'x.prom')])
    expect(missing).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^warning: metrics were not written to .*ENOENT/),
    })
    expect(await runCli(['version', '--metrics-file', folder])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('is no regular file'),
    })
    await writeFile(join(folder, 'file'), '')
    expect(await readdir(folder)).toEqual(['file'])
  })
})
