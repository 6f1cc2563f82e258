import { describe, expect, it } from 'vitest'
import type { CommandContext, CommandModule } from '../../../src/cli/command.ts'
import type { OpenRequest, Services } from '../../../src/cli/services.ts'
import { fail, Stopped } from '../../../src/core/errors.ts'
import { type RunCliOptions, runCli, type TestTerminal } from '../../support/run-cli.ts'
import { withVerbs } from './fake-verbs.ts'

type Work = (context: CommandContext) => Promise<unknown>
const command = (
  run: Work,
  takes: CommandModule['takes'] = ['output', 'approval', 'timeout', 'watch', 'config'],
): CommandModule => ({
  name: 'work',
  summary: 'Work',
  examples: [],
  takes,
  run,
})
const work = (run: Work, argv: string[] = [], options: RunCliOptions & { takes?: CommandModule['takes'] } = {}) =>
  runCli(['work', ...argv], { verbs: withVerbs([command(run, options.takes)]), ...options })
/** Throws Stopped at its next safe point, as the runner does. */
const untilStopped: Work = ({ stop }) => new Promise((_, reject) => stop.onStop(() => reject(new Stopped(stop.why!))))

describe('errors', () => {
  it('say what, where and what to try', async () => {
    const result = await work(async () => {
      throw fail('config', 'bad', 'two things are wrong\nfirst\u001b[2J\nsecond', {
        where: 'tblctl.yaml:3:5',
        hint: 'tblctl config view\nask a colleague',
      })
    })
    expect(result).toEqual({
      code: 78,
      stdout: '',
      exits: [],
      stderr:
        'error: two things are wrong\n  first\\u001b[2J\n  second\n  at tblctl.yaml:3:5\n  try: tblctl config view\n  ask a colleague\n',
    })
  })

  it('have a stack under --verbose or when they are bugs', async () => {
    const known: Work = async () => {
      throw fail('denied', 'no', 'not permitted', { cause: new Error('403 from the store') })
    }
    expect((await work(known)).stderr).not.toContain('    at ')
    const verbose = await work(known, ['-v'])
    expect(verbose).toMatchObject({
      code: 77,
      stderr: expect.stringMatching(/ {4}at .*\n[\s\S]*caused by: Error: 403 from the store/),
    })
    const bug = await work(async () => {
      throw new TypeError('x is undefined')
    })
    expect(bug).toMatchObject({
      code: 70,
      stderr: expect.stringMatching(/^error: x is undefined\nthis is a bug in tblctl[\s\S]* {4}at /),
    })
    expect(
      await work(async () => {
        throw 'text'
      }),
    ).toMatchObject({ code: 70, stderr: expect.stringContaining('bug in tblctl') })
  })

  it('are objects where the data is', async () => {
    const busy: Work = async () => {
      throw fail('busy', 'lease-held', 'busy', { retry: 'later' })
    }
    const { code, stderr, stdout } = await work(busy, ['-o', 'json'])
    expect({ code, stdout, error: JSON.parse(stderr) }).toEqual({
      code: 75,
      stdout: '',
      error: {
        apiVersion: 'tblctl/v1',
        kind: 'Error',
        error: { code: 'lease-held', kind: 'busy', message: 'busy', retry: 'later' },
      },
    })
    expect((await work(busy, ['-o', 'ndjson'])).stderr.trim().split('\n')).toHaveLength(1)
    const bug: Work = async () => {
      throw new TypeError('x is undefined')
    }
    expect(JSON.parse((await work(bug, ['-o', 'json'])).stderr)).toMatchObject({ error: { kind: 'bug' } })
    expect((await work(bug, ['-o', 'json', '-v'])).stderr).toContain('this is a bug in tblctl')
  })

  it('returns the exit code of a command', async () => {
    expect((await work(async () => 2)).code).toBe(2)
    expect((await work(async () => undefined)).code).toBe(0)
  })
})

describe('stopping', () => {
  const signal = (name: 'SIGINT' | 'SIGTERM', times = 1) => ({
    drive: (terminal: TestTerminal) => {
      for (let n = 1; n <= times; n++) setTimeout(() => terminal.signal(name), 10 * n)
    },
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s says what is being finished and exits %i', async (name, code) => {
    const result = await work(
      async (context) => {
        context.reporter.progress({
          verb: 'optimize',
          ref: 'lake:a/b',
          job: 'j',
          progress: { done: 1, total: 2, unit: 'files' },
        })
        await untilStopped(context)
      },
      [],
      signal(name),
    )
    expect(result).toMatchObject({ code, stdout: '', exits: [] })
    expect(result.stderr).toContain('finishing optimize lake:a/b up to the next safe point')
    expect(result.stderr).toContain('the same command goes on where it stopped')
  })

  it('counts what runs', async () => {
    const { stderr } = await work(
      async (context) => {
        for (const ref of 'abcde')
          context.reporter.progress({ verb: 'v', ref, job: ref, progress: { done: 0, total: 1, unit: 'x' } })
        await untilStopped(context)
      },
      [],
      signal('SIGINT'),
    )
    expect(stderr).toContain('finishing v a, v b, v c and 2 more')
    expect((await work(untilStopped, [], signal('SIGINT'))).stderr).toContain('finishing what it does')
  })

  it('ends at once for a second signal', async () => {
    const { exits } = await work(() => new Promise((resolve) => setTimeout(resolve, 60)), [], signal('SIGINT', 2))
    expect(exits).toEqual([130])
  })

  it('of what only reads is an abort, whatever it throws for it', async () => {
    const reading: Work = ({ stop }) =>
      new Promise((_, reject) => stop.hard.addEventListener('abort', () => reject(new Error('socket hang up'))))
    expect(await work(reading, [], { takes: ['output'], ...signal('SIGTERM') })).toMatchObject({
      code: 143,
      stderr: 'error: terminated\n',
    })
  })

  it('of what only reads is an interrupt even when it came too late', async () => {
    const late: Work = ({ stop }) => new Promise<void>((resolve) => stop.onStop(resolve))
    expect(await work(late, [], { takes: ['output'], ...signal('SIGINT') })).toMatchObject({ code: 130 })
  })

  it('keeps the code of a report, but for who asked', async () => {
    const stopped: Work = async (context) => {
      await untilStopped(context).catch(() => {})
      const error = { code: 'stopped-terminate', kind: 'stopped', message: 'terminated', retry: 'resume' } as const
      return context.report({
        verb: 'work',
        dryRun: false,
        run: context.run,
        items: [{ ref: 'a', status: 'failed', error }],
      })
    }
    expect((await work(stopped, [], signal('SIGTERM'))).code).toBe(143)
    expect((await work(stopped, [], signal('SIGINT'))).code).toBe(130)
  })

  it('by --timeout exits 124', async () => {
    const { code, stderr } = await work(untilStopped, ['--timeout', '10ms'])
    expect(code).toBe(124)
    expect(stderr).toContain('the time of --timeout is over: finishing')
  })

  it('listens only while the command runs', async () => {
    let terminal: TestTerminal | undefined
    const { exits } = await work(async () => {}, [], {
      drive: (given) => {
        terminal = given
      },
    })
    terminal!.signal('SIGINT')
    terminal!.signal('SIGINT')
    expect(exits).toEqual([])
  })
})

describe('services', () => {
  function services() {
    const requests: OpenRequest[] = []
    let closed = 0
    const given: Services = {
      open: async (request) => {
        requests.push(request)
        return { [Symbol.asyncDispose]: async () => void closed++ }
      },
      names: async () => [],
    }
    return { given, requests, closed: () => closed }
  }

  it('are opened once, when they are needed, with what was asked for, and closed', async () => {
    const { given, requests, closed } = services()
    await work(async () => {}, [], { services: given })
    expect(requests).toEqual([])
    const { code } = await work(
      async ({ api }) => {
        expect(await api()).toBe(await api())
        throw fail('missing', 'x', 'x')
      },
      ['-c', 'x.yaml', '--context', 'prod', '--run-id', 'r7'],
      { services: given, cwd: '/somewhere', env: { A: 'b' } },
    )
    expect({ code, closed: closed() }).toEqual({ code: 66, closed: 1 })
    expect(requests).toHaveLength(1)
    expect(requests[0]).toMatchObject({
      config: 'x.yaml',
      context: 'prod',
      run: 'r7',
      directory: '/somewhere',
      env: { A: 'b' },
      parallelism: 4,
      lockTimeoutMs: 0,
    })
  })

  it('that cannot be opened are the error of the run', async () => {
    const given: Services = {
      open: async () => {
        throw fail('config', 'none', 'no tblctl.yaml')
      },
      names: async () => [],
    }
    expect(await work(async ({ api }) => void (await api()), [], { services: given })).toMatchObject({
      code: 78,
      stderr: 'error: no tblctl.yaml\n',
    })
    expect(await work(async ({ api }) => void (await api()))).toMatchObject({ code: 70 })
  })

  it('gets a new run id that sorts by time', async () => {
    const ids: string[] = []
    for (const ms of [1_800_000_000_000, 1_800_000_000_001])
      await work(async ({ run }) => void ids.push(run), [], { now: () => new Date(ms) })
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(ids).toEqual([...ids].sort())
    expect(Number.parseInt(ids[0]!.replaceAll('-', '').slice(0, 12), 16)).toBe(1_800_000_000_000)
  })
})

describe('--watch', () => {
  const list = (rounds: number): Work => {
    let round = 0
    return async ({ print }) => {
      await print({
        is: 'list',
        kind: 'RoundList',
        columns: [{ name: 'n', value: (item: { n: number }) => item.n }],
        items: [{ n: ++round }],
      })
      return round > rounds ? 3 : 0
    }
  }
  it('appends objects in a pipe until a round fails', async () => {
    expect(await work(list(2), ['--watch=1ms'])).toMatchObject({ code: 3, stdout: '{"n":1}\n{"n":2}\n{"n":3}\n' })
    expect((await work(list(1), ['--watch=1ms', '-o', 'name'])).stdout).toBe('1\n2\n')
  })
  it('paints over the last round on a terminal', async () => {
    const { stdout } = await work(list(1), ['--watch=1ms'], { tty: true, env: { NO_COLOR: '1' } })
    expect(stdout).toBe('\u001b[H\u001b[JN\n1\n\u001b[H\u001b[JN\n2\n')
  })
  it('sleeps no longer than until it is stopped', async () => {
    const drive = (terminal: TestTerminal) => void setTimeout(() => terminal.signal('SIGINT'), 20)
    expect(await work(list(9), ['--watch=1h'], { drive, takes: ['output', 'watch'] })).toMatchObject({
      code: 130,
      stdout: '{"n":1}\n',
    })
  })
  it('has an interval of its own', async () => {
    let given: number | null = null
    await work(
      async ({ global }) => {
        given = global.watchMs
        return 1
      },
      ['--watch'],
    )
    expect(given).toBe(2000)
  })
})
