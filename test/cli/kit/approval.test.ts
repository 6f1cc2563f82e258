import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { type ApprovalOptions, createApprover } from '../../../src/cli/approval.ts'
import { createIo } from '../../../src/cli/io.ts'
import { createPrompter } from '../../../src/cli/prompt.ts'
import { createStop } from '../../../src/cli/stop.ts'
import { Stopped, type TblctlError } from '../../../src/core/errors.ts'
import type { PlannedItem } from '../../../src/core/host.ts'
import type { Risk } from '../../../src/core/operation.ts'
import { testTerminal } from '../../support/run-cli.ts'

const item = (risk: Risk, path = 'lake/acme/metrics', verb = 'drop'): PlannedItem => ({
  verb,
  subject: { kind: path.split('/').length === 2 ? 'project' : 'table', path, spec: null },
  plan: { changes: 1, risk, summary: [`${verb} it\u001b[2J`], basis: {}, leases: [] },
})

async function approve(
  items: readonly PlannedItem[],
  flags: Partial<Pick<ApprovalOptions, 'yes' | 'confirm' | 'quiet'>> = {},
  answer?: boolean | string,
) {
  const asked: string[] = []
  const terminal = testTerminal({ tty: answer !== undefined })
  const io = createIo(terminal, {}, { color: 'never', input: true })
  const reply = async <Answer>(question: string): Promise<Answer> => {
    asked.push(question)
    return answer as Answer
  }
  const approver = createApprover({
    yes: false,
    confirm: null,
    quiet: false,
    ...flags,
    io,
    prompter: { confirm: reply, text: reply },
  })
  try {
    return { approved: await approver.approve(items), asked, said: terminal.err.text, error: undefined }
  } catch (error) {
    return { approved: undefined, asked, said: terminal.err.text, error: (error as TblctlError).view }
  }
}

describe('routine', () => {
  it('needs nobody', async () => {
    expect(await approve([item('routine')])).toMatchObject({ approved: true, asked: [], said: '' })
    expect(await approve([])).toMatchObject({ approved: true })
  })
})

describe('moderate', () => {
  it('takes -y, or a yes', async () => {
    expect(await approve([item('moderate')], { yes: true })).toMatchObject({ approved: true, asked: [] })
    expect(await approve([item('moderate')], {}, true)).toMatchObject({
      approved: true,
      asked: ['drop lake:acme/metrics?'],
    })
    expect(await approve([item('moderate')], {}, false)).toMatchObject({ approved: false })
    expect(await approve([item('moderate')], { confirm: 'lake:acme/metrics' })).toMatchObject({
      approved: true,
      asked: [],
    })
  })
  it('is refused when nobody can be asked', async () => {
    expect((await approve([item('moderate')])).error).toMatchObject({
      kind: 'usage',
      code: 'approval-missing',
      hint: expect.stringContaining('-y'),
    })
  })
  it('shows the plan first, and no escape in it', async () => {
    const { said } = await approve([item('moderate'), item('routine', 'lake/acme/b')], {}, true)
    expect(said).toBe('drop lake:acme/metrics\n  drop it\\u001b[2J\n')
    expect((await approve([item('moderate')], { yes: true, quiet: true })).said).toBe('')
  })
})

describe('severe', () => {
  it('takes the name, and -y is not enough', async () => {
    expect(await approve([item('severe')], { yes: true, confirm: 'lake:acme/metrics' })).toMatchObject({
      approved: true,
      asked: [],
    })
    expect((await approve([item('severe')], { yes: true })).error).toMatchObject({
      kind: 'usage',
      hint: expect.stringContaining('--confirm lake:acme/metrics'),
    })
    expect(await approve([item('severe')], {}, ' lake:acme/metrics ')).toMatchObject({ approved: true })
    for (const wrong of ['metrics', 'y', 'yes', ''])
      expect(await approve([item('severe')], {}, wrong)).toMatchObject({ approved: false })
  })
  it('refuses another name', async () => {
    expect((await approve([item('severe')], { confirm: 'lake:acme/event' }, 'lake:acme/metrics')).error).toMatchObject({
      code: 'approval-mismatch',
      kind: 'usage',
      hint: 'if you mean it: --confirm lake:acme/metrics',
    })
  })
  it('of several is named by their number, and decides for the batch', async () => {
    const items = [item('severe', 'lake/a/b'), item('severe', 'lake/a/c', 'delete'), item('moderate', 'lake/a/d')]
    expect(await approve(items, { confirm: '2 tables' })).toMatchObject({ approved: true })
    expect((await approve(items, { confirm: '3 tables' })).error).toMatchObject({
      message: '--confirm says "3 tables", but this is drop and delete 2 tables',
      hint: 'if you mean it: --confirm "2 tables"',
    })
    expect((await approve([item('severe', 'lake/a'), item('severe', 'lake/a/c')])).error?.hint).toContain(
      '"2 subjects"',
    )
    const project = [item('severe', 'lake/a')]
    expect((await approve(project)).error?.hint).toContain('--confirm a')
    for (const confirm of ['a', 'lake:a/'])
      expect(await approve(project, { confirm })).toMatchObject({ approved: true })
    expect((await approve(project, { confirm: 'lake:a' })).error?.code).toBe('approval-mismatch')
  })
  it('shows the first plans of many', async () => {
    const items = Array.from({ length: 25 }, (_, n) => item('severe', `lake/a/t${n}`))
    const { said } = await approve(items, {}, '25 tables')
    expect(said).toContain('lake:a/t19')
    expect(said).not.toContain('lake:a/t20')
    expect(said).toContain('… and 5 more')
  })
})

describe('questions', () => {
  const quiet = () => createStop({ careful: true, announce: () => {}, exit: () => {} })
  function terminal() {
    const stdin = new PassThrough()
    const stderr = new PassThrough()
    let asked = ''
    stderr.on('data', (piece) => {
      asked += String(piece)
    })
    const io = createIo({ ...testTerminal(), stdin, stderr }, {}, { color: 'never', input: true })
    return { stdin, io, asked: () => asked }
  }
  it('are asked on stderr, and no is the default', async () => {
    for (const [typed, expected] of [
      ['y\n', true],
      ['\n', false],
    ] as const) {
      const { stdin, io, asked } = terminal()
      const answer = createPrompter(io, quiet()).confirm('drop it?')
      setTimeout(() => stdin.write(typed), 20)
      expect(await answer).toBe(expected)
      expect(asked()).toContain('drop it?')
    }
    const { stdin, io } = terminal()
    const name = createPrompter(io, quiet()).text('name?')
    setTimeout(() => stdin.write('lake:a/b\n'), 20)
    expect(await name).toBe('lake:a/b')
  })
  it('end as an interrupt when stopped or when Ctrl-C is typed', async () => {
    // Also what changes something: it has not begun.
    using stop = quiet()
    const first = createPrompter(terminal().io, stop).confirm('drop it?')
    setTimeout(() => stop.signal('SIGTERM'), 20)
    await expect(first).rejects.toMatchObject({ name: 'Stopped', why: 'terminate' })
    const { stdin, io } = terminal()
    const second = createPrompter(io, quiet()).text('name?')
    setTimeout(() => stdin.write('\u0003'), 20)
    await expect(second).rejects.toBeInstanceOf(Stopped)
  })
})
