import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newJob } from '../../contract/catalog.ts'
import { type Started, startTblctl } from '../../support/child.ts'
import type { TestTerminal } from '../../support/run-cli.ts'
import { type Project, projectWithTable, table, tablePath } from './project.ts'

let project: Project
const started: Started[] = []
beforeEach(async () => {
  project = await projectWithTable()
  for (const n of [1, 2, 3]) {
    const row = { timestamp: `2026-01-0${n}T00:00:00Z`, metric_name: 'cpu', metric_type: 'gauge', value: n }
    project.write('row.ndjson', `${JSON.stringify(row)}\n`)
    await project.ok(`load ${table} row.ndjson`)
  }
})
afterEach(async () => {
  for (const { child, ended } of started.splice(0)) {
    child.kill('SIGKILL')
    await ended
  }
  project[Symbol.dispose]()
})

/** As a program puts it there: the plan that the driver made, approved, and not begun. */
async function enqueue(verb: string, options: object, flags: readonly string[], id: string): Promise<void> {
  const dry = await project.run([verb, table, ...flags, '--dry-run', '-o', 'json'])
  const { plan } = JSON.parse(dry.stdout).items[0]
  await project.withCatalog((catalog) =>
    catalog.enqueue(
      newJob(id, tablePath, { verb, plan, options: options as never, hold: verb === 'reshard' ? 'job' : 'run' }),
    ),
  )
}
const enqueueOptimize = (id: string) => enqueue('optimize', { targetSize: null }, [], id)
const jobState = async (id: string) => (await project.json(`jobs show ${id}`)).state

describe('worker --once', () => {
  it('runs what is due and reports it', async () => {
    await enqueueOptimize('qqqq1111')
    const { stdout } = await project.ok('worker --once')
    expect(stdout).toMatch(
      /^VERB +REF +STATUS +DETAIL\noptimize +mem:acme\/metrics +changed +files removed 3, files added 1/,
    )
    expect(await jobState('qqqq')).toBe('done')
    expect(await project.json('worker --once')).toMatchObject({ kind: 'OperationReport', verb: 'worker', items: [] })
  })

  it('has the exit code of what failed, and goes on after it', async () => {
    await enqueueOptimize('qqqq1111')
    const lost = newJob('lost1111', 'mem/acme/gone', { options: { targetSize: null } })
    await project.withCatalog((catalog) => catalog.enqueue(lost))
    const { code, stdout } = await project.run(['worker', '--once', '-o', 'json'])
    const { items, summary } = JSON.parse(stdout)
    expect(items.map((item: any) => [item.verb, item.ref, item.status]).sort()).toEqual([
      ['optimize', 'mem:acme/gone', 'failed'],
      ['optimize', table, 'changed'],
    ])
    expect(summary).toMatchObject({ changed: 1, failed: 1 })
    expect(code).toBe(66)
  })

  it('tells of a busy table once, and ends', async () => {
    await enqueueOptimize('qqqq1111')
    await project.withCatalog((catalog) => catalog.begin(newJob('held', tablePath), 'elsewhere/1/0/x', 30_000))
    const { code, stdout } = await project.run(['worker', '--once', '-o', 'json'])
    expect(code).toBe(75)
    expect(JSON.parse(stdout).items).toHaveLength(1)
    expect(await jobState('qqqq')).toBe('queued')
  })

  it('writes what it did into --metrics-file', async () => {
    await enqueueOptimize('qqqq1111')
    const file = join(project.folder, 'runs.prom')
    await project.ok(`worker --once --metrics-file ${file}`)
    await project.run(['doctor', 'nope', '--metrics-file', file])
    const text = project.read('runs.prom')
    expect(text).toContain('tblctl_last_run_items{verb="worker",status="changed"} 1\n')
    expect(text).toContain('tblctl_last_run_exit_code{verb="worker"} 0\n')
    expect(text).toContain('tblctl_last_run_exit_code{verb="doctor"} 64\n')
    expect(text).not.toContain('tblctl_last_success_timestamp_seconds{verb="doctor"}')
  })
})

describe('worker', () => {
  const until = (text: string) => (terminal: TestTerminal) => {
    const timer = setInterval(() => {
      if (!terminal.out.text.includes(text)) return
      clearInterval(timer)
      terminal.signal('SIGINT')
    }, 10)
  }

  it('prints a line for each job until it is stopped', async () => {
    await enqueueOptimize('qqqq1111')
    const result = await project.run(['worker', '--poll', '100ms'], { drive: until('changed') })
    expect(result).toMatchObject({ code: 130, exits: [] })
    expect(result.stdout).toMatch(/^optimize mem:acme\/metrics {2}changed {2}files removed 3/)
    expect(result.stderr).toContain('up to the next safe point; once more stops at once')
  })

  it('prints objects and names', async () => {
    await enqueueOptimize('qqqq1111')
    const objects = await project.run(['worker', '-o', 'ndjson'], { drive: until('changed') })
    expect(JSON.parse(objects.stdout)).toMatchObject({ verb: 'optimize', ref: table, status: 'changed' })
    await enqueueOptimize('qqqq2222')
    expect((await project.run(['worker', '-o', 'name'], { drive: until(table) })).stdout).toBe(`${table}\n`)
  })

  it('tries a busy table again when it is free', async () => {
    await enqueueOptimize('qqqq1111')
    const holder = newJob('held', tablePath)
    const lease = await project.withCatalog((catalog) => catalog.begin(holder, 'elsewhere/1/0/x', 30_000))
    const drive = (terminal: TestTerminal) => {
      void sleep(500).then(() =>
        project.withCatalog((catalog) => catalog.release(lease.is === 'held' ? lease.fence : 0)),
      )
      until('"changed"')(terminal)
    }
    const { stdout } = await project.run(['worker', '--poll', '100ms', '-o', 'ndjson'], { drive })
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).status),
    ).toEqual(['failed', 'changed'])
  })

  it('has no end that -o json could wait for', async () => {
    expect(await project.run(['worker', '-o', 'json'])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('use -o ndjson, or --once'),
    })
  })
})

describe('worker as a process', () => {
  function start(slow: string): Started {
    const env = { FAULT_SLOW: slow }
    const child = startTblctl(['worker', '--poll', '100ms'], { cwd: project.folder, env })
    started.push(child)
    return child
  }
  const copying = async (worker: Started) => {
    for (let n = 0; n < 500; n++) {
      if ((await project.json('jobs show rrrr')).phase === 'copying') return
      await sleep(20)
    }
    throw new Error(`never began to copy: ${worker.output()}`)
  }
  const enqueueReshard = () =>
    enqueue('reshard', { shards: 3, waitForSwitch: true }, ['--shards', '3', '--wait-for-switch'], 'rrrr1111')

  it('stops at a safe point for SIGTERM, exits 143, and another run goes on', async () => {
    await enqueueReshard()
    const worker = start('memory.copy:after=300')
    await copying(worker)
    worker.child.kill('SIGTERM')
    expect(await worker.ended).toMatchObject({ code: 143, signal: null })
    expect(worker.output()).toMatch(/terminated: finishing .* up to the next safe point/)
    expect(await jobState('rrrr')).toBe('interrupted')
    expect(await project.json('jobs cancel rrrr')).toMatchObject({ state: 'cancelled', attempts: 2 })
  })

  it('ends at once for a second SIGINT, and leaves the job to be resumed', async () => {
    await enqueueReshard()
    const worker = start('memory.copy:after=2000')
    await copying(worker)
    worker.child.kill('SIGINT')
    await sleep(50)
    worker.child.kill('SIGINT')
    expect(await worker.ended).toMatchObject({ code: 130, signal: null })
    expect(worker.output()).not.toContain('error:')
    expect(await jobState('rrrr')).toBe('interrupted')
    expect(await project.json('jobs cancel rrrr')).toMatchObject({ state: 'cancelled' })
  })

  it('that has nothing to do exits 143 for SIGTERM', async () => {
    const worker = start('none=0')
    await sleep(600)
    worker.child.kill('SIGTERM')
    expect((await worker.ended).code).toBe(143)
  })
})
