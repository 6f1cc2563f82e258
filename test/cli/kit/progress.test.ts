import { describe, expect, it } from 'vitest'
import { createIo } from '../../../src/cli/io.ts'
import { createReporter, type ProgressOptions } from '../../../src/cli/output/progress.ts'
import { testTerminal } from '../../support/run-cli.ts'

const text: ProgressOptions = { quiet: false, verbose: false, logFormat: 'text', run: 'r1' }

function world(options: Partial<ProgressOptions>, tty: boolean) {
  let now = 0
  const terminal = testTerminal({ tty, columns: 60, now: () => new Date(now) })
  const io = createIo(terminal, {}, { color: 'never', input: true })
  const reporter = createReporter(io, { ...text, ...options })
  const at = (seconds: number, ref: string, done: number | null, total: number | null, unit = 'files') => {
    now = seconds * 1000
    reporter.progress({ verb: 'optimize', ref, job: `job-${ref}`, progress: { done, total, unit } })
  }
  const said = () => {
    const { text: all } = terminal.err
    terminal.err.text = ''
    return all
  }
  return { reporter, at, said, terminal }
}

describe('in a pipe', () => {
  it('says one plain line every 10 s', () => {
    const { at, said } = world({}, false)
    at(0, 'lake:a/b', 0, 300)
    at(9, 'lake:a/b', 90, 300)
    expect(said()).toBe('')
    at(10, 'lake:a/b', 100, 300)
    expect(said()).toBe('optimize lake:a/b  100/300 files  33%  10/s  20s left\n')
    at(15, 'lake:a/b', 150, 300)
    expect(said()).toBe('')
    at(20, 'lake:a/b', 300, 300)
    expect(said()).toBe('optimize lake:a/b  300/300 files  100%  15/s\n')
  })

  it('leaves out what is not known, and counts only this run for the rate', () => {
    const { at, said } = world({}, false)
    at(0, 'a', 1000, null)
    at(10, 'a', 1100, null)
    at(20, 'a', null, null)
    at(30, 'a', 0, 0)
    expect(said()).toBe('optimize a  1100 files  10/s\noptimize a\noptimize a  0/0 files\n')
  })

  it('writes bytes as people read them', () => {
    const { at, said } = world({}, false)
    at(0, 'a', 0, 4e9, 'bytes')
    at(10, 'a', 1e9, 4e9, 'bytes')
    expect(said()).toBe('optimize a  1 GB/4 GB  25%  100 MB/s  30s left\n')
  })

  it('as JSON lines with the run id', () => {
    const { at, said, reporter } = world({ logFormat: 'json' }, true)
    at(0, 'a', 0, 3)
    at(10, 'a', 2, 3)
    reporter.log('warn', 'slow\u001b', { backend: 'lake' })
    const lines = said()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toEqual([
      {
        time: '1970-01-01T00:00:10.000Z',
        level: 'info',
        run: 'r1',
        message: 'progress',
        verb: 'optimize',
        ref: 'a',
        job: 'job-a',
        done: 2,
        total: 3,
        unit: 'files',
      },
      { time: '1970-01-01T00:00:10.000Z', level: 'warn', run: 'r1', message: 'slow\u001b', backend: 'lake' },
    ])
  })
})

describe('on a terminal', () => {
  it('paints one line for each running job in place', () => {
    const { at, said, reporter } = world({}, true)
    at(0, 'a', 0, 3)
    expect(said()).toBe('optimize a  0/3 files  0%\n')
    at(0.05, 'a', 1, 3)
    expect(said()).toBe('')
    at(0.2, 'b', 0, 3)
    expect(said()).toBe('\u001b[1A\u001b[Joptimize a  1/3 files  33%\noptimize b  0/3 files  0%\n')
    expect(reporter.running()).toEqual(['optimize a', 'optimize b'])
    reporter.finished('a')
    expect(said()).toBe('\u001b[2A\u001b[Joptimize b  0/3 files  0%\n')
    reporter.finished('never ran')
    expect(said()).toBe('')
    reporter.clear()
    reporter.clear()
    expect(said()).toBe('\u001b[1A\u001b[J')
    reporter.finished('b')
    expect(said()).toBe('')
  })

  it('keeps remarks above the painted lines', () => {
    const { at, said, reporter } = world({}, true)
    at(0, 'a', 0, 3)
    said()
    reporter.log('info', 'hello')
    expect(said()).toBe('\u001b[1A\u001b[Jhello\noptimize a  0/3 files  0%\n')
  })

  it('shows at most eight jobs, none wider than the terminal, and obeys no name', () => {
    const { at, said } = world({}, true)
    for (let n = 0; n < 11; n++) at(n, `${n}\u001b${'x'.repeat(100)}`, 0, 1)
    const lines = said().split('\u001b[J').at(-1)!.trimEnd().split('\n')
    expect([lines.length, lines.at(-1)]).toEqual([9, '… and 3 more'])
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(60)
    expect(lines.join('')).not.toContain('\u001b')
  })
})

describe('remarks', () => {
  it.each([
    [{}, 'info\nwarning: warn\n'],
    [{ verbose: true }, 'debug\ninfo\nwarning: warn\n'],
    [{ quiet: true }, 'warning: warn\n'],
  ])('%j', (options, expected) => {
    const { said, reporter } = world(options, false)
    for (const level of ['debug', 'info', 'warn'] as const) reporter.log(level, level)
    expect(said()).toBe(expected)
  })

  it('are the only thing when quiet', () => {
    for (const tty of [true, false]) {
      const { at, said } = world({ quiet: true }, tty)
      at(0, 'a', 0, 3)
      at(60, 'a', 1, 3)
      expect(said()).toBe('')
    }
  })
})
