/** Every exit code of `tblctl help exit-codes`, reached by a real command over a real folder where one can be. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSqliteCatalog } from '../../../src/catalog/sqlite.ts'
import { fail } from '../../../src/core/errors.ts'
import type { RunCliOptions, TestTerminal } from '../../support/run-cli.ts'
import { metric, openWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
  await world.ok('create', 'mem:a/t', 'mem:a/held', '--schema', 'metrics')
  await world.ok('create', 'mem:a/kept', '--schema', 'metrics', '--label', 'protect=true')
  await world.write('a.ndjson', metric(1))
  await world.ok('load', 'mem:a/t', 'a.ndjson')
  await world.write('broken.yaml', 'version: 1\nbackend: {}\n')
  await world.ok('reshard', 'mem:a/kept', '--shards', '2', '-y')
  await using catalog = openSqliteCatalog(join(world.folder, '.tblctl/catalog.db'))
  const plan = {
    changes: 1,
    risk: 'routine',
    summary: [],
    basis: {},
    leases: [{ path: 'mem/a/held', mode: 'exclusive' }],
  } as const
  const job = {
    id: 'job-elsewhere',
    run: 'r',
    verb: 'optimize',
    subject: 'table',
    path: 'mem/a/held',
    key: 'optimize',
    version: 1,
    hold: 'run',
    options: {},
    plan,
    actor: 'somebody',
  } as const
  expect((await catalog.begin(job, 'elsewhere/1/1/x', 600_000)).is).toBe('held')
})
afterAll(() => world[Symbol.asyncDispose]())

const throwing = (error: unknown): RunCliOptions => ({
  services: { open: () => Promise.reject(error), names: async () => [] },
})
const interrupted = (signal: 'SIGINT' | 'SIGTERM'): RunCliOptions => ({
  drive: (terminal: TestTerminal) => void setImmediate(() => terminal.signal(signal)),
})
const everything = 'select count(*) from t, range(100000) a(x), range(100000) b(y) where x + y > 100'

describe('exit codes', () => {
  it.each<[number, string[], RunCliOptions, string]>([
    [0, ['list'], {}, ''],
    [0, ['label', 'mem:a/t', 'gone-'], {}, ''],
    [1, ['query', 'mem:a/t', "attach 'x.db'"], {}, 'error: '],
    [1, ['create', 'mem:a/t', '--schema', 'events'], {}, 'exists with another schema'],
    [64, ['optimise'], {}, 'did you mean optimize?'],
    [64, ['list', '--lives'], {}, 'did you mean --live?'],
    [64, ['describe', 'mem:a/b/c'], {}, 'is no ref'],
    [64, ['describe', 'meem:a/b'], {}, 'did you mean mem?'],
    [64, ['optimize'], {}, 'no table is chosen'],
    [64, ['optimize', '-l', 'no=where'], {}, 'no registered table fits'],
    [64, ['reshard', 'mem:a/t', '--shards', '3'], {}, 'add -y'],
    [66, ['describe', 'mem:a/s'], {}, 'did you mean mem:a/t?'],
    [66, ['create', 'mem:a/u', '--schema', 'event'], {}, 'did you mean events?'],
    [
      69,
      ['list'],
      throwing(fail('unreachable', 'no-answer', 'the store does not answer')),
      'the store does not answer',
    ],
    [70, ['list'], throwing(new TypeError('x is undefined')), 'this is a bug in tblctl'],
    [75, ['reshard', 'mem:a/held', '--shards', '3', '-y'], {}, 'job-elsewhere'],
    [0, ['reshard', 'mem:a/held', '--shards', '3', '--dry-run'], {}, ''],
    [77, ['reshard', 'complete', 'mem:a/kept', '--confirm', 'mem:a/kept'], {}, 'protected by its label'],
    [78, ['list', '-c', 'broken.yaml'], {}, 'broken.yaml:2:1'],
    [78, ['list', '-c', 'nowhere.yaml'], {}, 'does not exist'],
    [124, ['query', 'mem:a/t', everything, '--timeout', '50ms'], {}, 'stopped by --timeout'],
    [130, ['query', 'mem:a/t', everything], interrupted('SIGINT'), 'interrupted'],
    [143, ['query', 'mem:a/t', everything], interrupted('SIGTERM'), 'terminated'],
  ])('%i: %j', async (code, argv, options, told) => {
    const result = await world.cli(argv, options)
    expect(result).toMatchObject({ code, stderr: expect.stringContaining(told) })
    if (code !== 70) expect(result.stderr).not.toMatch(/^ {4}at /m)
  })

  it('are the same with -o json, and the error is an object', async () => {
    const { code, stdout, stderr } = await world.cli(['describe', 'mem:a/s', '-o', 'json'])
    expect({ code, stdout }).toEqual({ code: 66, stdout: '' })
    expect(JSON.parse(stderr)).toEqual({
      apiVersion: 'tblctl/v1',
      kind: 'Error',
      error: {
        code: 'table-not-found',
        kind: 'missing',
        message: 'table mem:a/s is not registered',
        hint: expect.stringContaining('mem:a/t'),
        retry: 'no',
      },
    })
    const busy = await world.cli(['reshard', 'mem:a/held', '--shards', '3', '-y', '-o', 'json'])
    expect(busy.code).toBe(75)
    expect(JSON.parse(busy.stdout).items[0]).toMatchObject({
      status: 'failed',
      error: { kind: 'busy', retry: 'later' },
    })
  })
})
