import { describe, expect, it } from 'vitest'
import type { CommandModule } from '../../../src/cli/command.ts'
import { reportExitCode } from '../../../src/cli/output/report.ts'
import type { ReportItem } from '../../../src/core/host.ts'
import { runCli } from '../../support/run-cli.ts'
import { withVerbs } from './fake-verbs.ts'

const plan = { changes: 1, risk: 'routine', summary: ['compact 50 files', 'into 1'], basis: {}, leases: [] } as const
const failed = (kind: 'missing' | 'busy' | 'stopped', code = kind): ReportItem => ({
  ref: 'lake:acme/b',
  status: 'failed',
  error: { code, kind, message: 'it is not there', where: 'x.yaml:1:2', hint: 'create it', retry: 'no' },
})
const changed: ReportItem = {
  ref: 'lake:acme/a',
  status: 'changed',
  job: 'j1',
  result: { filesRemoved: 50, bytesAfter: 9_000_000, nested: [] },
}

const report = (items: readonly ReportItem[], argv: string[] = [], drive?: Parameters<typeof runCli>[1]) => {
  const command: CommandModule = {
    name: 'optimize',
    summary: 'Compact',
    examples: [],
    takes: ['output', 'approval'],
    run: (context) => context.report({ verb: 'optimize', dryRun: false, run: context.run, items }),
  }
  return runCli(['optimize', ...argv], { verbs: withVerbs([command]), ...drive })
}

describe('exit code of a report', () => {
  it.each([
    [[changed], 0],
    [[], 0],
    [[changed, failed('missing')], 66],
    [[failed('busy'), failed('busy')], 75],
    [[failed('busy'), failed('missing')], 1],
    [[{ ref: 'x', status: 'failed' }], 1],
    [[{ ref: 'x', status: 'skipped' }], 0],
    [[{ ...failed('stopped'), status: 'skipped' }], 130],
  ] as const)('%#', (items, code) => expect(reportExitCode(items)).toBe(code))
})

describe('report', () => {
  it('tells in one line each what changed, failed, waits or would be done', async () => {
    const { code, stdout } = await report([
      changed,
      failed('missing'),
      {
        ref: 'lake:acme/c',
        status: 'changed',
        result: { rows: 1 },
        waitsFor: ['switch', 'cancel'],
        wakeAt: '2026-01-01T00:00:00Z',
      },
      { ref: 'lake:acme/e', status: 'changed', waitsFor: ['switch'] },
      { ref: 'lake:acme/d', status: 'skipped', plan },
      { ref: 'lake:acme/f', status: 'unchanged' },
    ])
    expect(code).toBe(66)
    expect(stdout).toContain('lake:acme/a  changed    files removed 50, bytes after 9 MB')
    expect(stdout).toContain('lake:acme/b  failed     x.yaml:1:2: it is not there (create it)')
    expect(stdout).toContain('waits for switch or cancel or 2026-01-01T00:00:00Z; rows 1')
    expect(stdout).toContain('waits for switch\n')
    expect(stdout).toContain('compact 50 files; into 1')
    expect(stdout).toContain('lake:acme/f  unchanged  -')
  })

  it('is an envelope with a summary', async () => {
    const { stdout } = await report([changed, failed('missing')], ['-o', 'json', '--run-id', 'r1'])
    expect(JSON.parse(stdout)).toEqual({
      apiVersion: 'tblctl/v1',
      kind: 'OperationReport',
      verb: 'optimize',
      dryRun: false,
      run: 'r1',
      items: [changed, failed('missing')],
      summary: { changed: 1, unchanged: 0, failed: 1, skipped: 0 },
    })
  })

  it('keeps its exit code when nobody reads it', async () => {
    const drive = { drive: (terminal: { breakPipe(): void }) => terminal.breakPipe() }
    expect(await report([failed('busy')], [], drive)).toMatchObject({ code: 75, stdout: '' })
    expect(await report([changed], [], drive)).toMatchObject({ code: 0, stderr: '' })
  })

  it('colours the status where colour is wanted', async () => {
    expect((await report([changed], ['--color', 'always'])).stdout).toContain('\u001b[32mchanged')
    expect((await report([changed])).stdout).not.toContain('\u001b')
  })
})
