/**
 * One process of the scenarios: the real runner, catalog, api and memory driver, with a lease time that tests can choose (LEASE_MS) and three
 * operations that only tests need: `plain` (any verb, any lease), `sync` (follows a source until told to pause) and `maintain` (what is due, once).
 */
import { DatabaseSync } from 'node:sqlite'
import { openTblctl } from '../../src/api/open.ts'
import { openSession, type Session } from '../../src/api/session.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { LeaseMode } from '../../src/core/catalog.ts'
import { errorView } from '../../src/core/errors.ts'
import type { ReportItem } from '../../src/core/host.ts'
import type { Operation, Subject } from '../../src/core/operation.ts'
import { runOperations } from '../../src/core/run/runner.ts'
import { driverKinds, loadDriver } from '../../src/drivers/registry.ts'

const [verb, ...args] = process.argv.slice(2) as [string, ...string[]]
const directory = process.cwd()
const say = (value: unknown) => process.stdout.write(`${typeof value === 'string' ? value : JSON.stringify(value)}\n`)

let why: 'interrupt' | 'terminate' | null = null
process.on('SIGINT', () => (why = 'interrupt'))
process.on('SIGTERM', () => (why = 'terminate'))
const common = {
  run: 'scenario',
  env: {},
  approver: { approve: async () => true },
  reporter: {
    progress: () => {},
    finished: () => {},
    log: (_level: string, message: string, fields?: object) => say(`${message} ${JSON.stringify(fields ?? {})}`),
  },
  stop: {
    get why() {
      return why
    },
    hard: new AbortController().signal,
    onStop: () => () => {},
  },
  lockTimeoutMs: 0,
  parallelism: 4,
  leaseMs: Number(process.env.LEASE_MS ?? 30_000),
}

async function session(): Promise<Session> {
  const config = await loadConfig({
    flags: {},
    cwd: directory,
    env: {},
    home: directory,
    drivers: { kinds: driverKinds, load: loadDriver },
    warn: say,
  })
  return openSession({ ...common, directory, config, loadDriver })
}
const api = () => openTblctl({ ...common, config: null, context: null, env: {}, directory })

const subject = (path: string, kind: Subject['kind'] = 'table'): Subject => ({ kind, path, spec: null })

/** Takes a lease of any kind and holds it for a while. */
const plain = (mode: LeaseMode, ms: number): Operation => ({
  options: { parse: (raw) => raw as Record<string, never> },
  version: 1,
  hold: 'run',
  resume: 'replan',
  key: () => 'plain',
  plan: async (of) => ({ changes: 1, risk: 'routine', summary: [], basis: {}, leases: [{ path: of.path, mode }] }),
  async execute(_plan, ctx) {
    say(`holding ${ctx.subject.path}`)
    await ctx.idle(ms)
    await ctx.commit({ phase: 'held', state: {} })
    return { is: 'changed', result: { held: ms } }
  },
})

/** Rows and checkpoint in one transaction of the target, which alone says how far it is; `paused` on the sync's path is desired state. */
const sync = (target: DatabaseSync, total: number, follow: boolean): Operation<object, any, any, any> => ({
  options: { parse: (raw) => raw as object },
  version: 1,
  hold: 'run',
  resume: 'continue',
  controls: { paused: { help: 'stop at the next page until resumed', risk: 'routine', phases: 'any' } },
  key: () => 'orders',
  plan: async (of) => ({
    changes: 1,
    risk: 'routine',
    summary: [],
    basis: {},
    leases: [
      { path: of.path, mode: 'exclusive' },
      { path: 'lake/acme/orders', mode: 'write' },
    ],
  }),
  async execute(_plan, ctx) {
    let rows = 0
    for (;;) {
      await ctx.commit({ phase: ctx.control('paused')?.value === true ? 'paused' : 'following', state: { rows } })
      if (ctx.control('paused')?.value === true) {
        if (!follow) return { is: 'unchanged', result: { rows, paused: true } }
        await ctx.idle(300)
        continue
      }
      const from = Number(target.prepare('select coalesce(max(id), 0) as n from rows').get()!.n)
      if (from < total) {
        await ctx.idle(30)
        target.exec('begin immediate')
        for (let id = from + 1; id <= Math.min(from + 500, total); id++)
          target.prepare('insert into rows values (?, 1) on conflict do update set writes = writes + 1').run(id)
        if (from >= Number(process.env.DIE_IN_TARGET ?? Infinity)) process.kill(process.pid, 'SIGKILL')
        target.exec('commit')
        rows += Math.min(500, total - from)
        ctx.report({ done: from + 500, total, unit: 'rows' })
      } else if (!follow) return { is: 'changed', result: { rows } }
      else await ctx.idle(200)
    }
  },
})

function show(items: readonly ReportItem[]): void {
  for (const item of items) say(item)
  const failed = items.find((item) => item.error)
  if (failed?.error)
    process.exitCode = { busy: 75, stopped: 130, usage: 64, missing: 66 }[failed.error.kind as string] ?? 1
}

try {
  switch (verb) {
    case 'reshard': {
      await using tblctl = await api()
      if (/^\d+$/.test(args[0]!))
        show(
          (
            await tblctl.operate(
              'reshard',
              { refs: ['shop:default/users'] },
              { shards: Number(args[0]), ...(args[1] === 'wait' ? { waitForSwitch: true } : {}) },
            )
          ).items,
        )
      else {
        const [job] = await tblctl.jobs.list({ ref: 'shop:default/users', verb: 'reshard' })
        if (!job) throw Object.assign(new Error('no job'), { exit: 66 })
        say(await tblctl.jobs.control(job.id, args[0]!))
      }
      break
    }
    case 'tenant': {
      await using tblctl = await api()
      show((await tblctl.provision('tenant.create', [args[0]!], { schemaSet: 'twelve' })).items)
      break
    }
    case 'flush': {
      await using tblctl = await api()
      show((await tblctl.operate('flush', { refs: ['shop:default/users'] }, {})).items)
      break
    }
    case 'op': {
      await using open = await session()
      const [name, mode, path, ms] = args as [string, LeaseMode, string, string?]
      show(
        await runOperations(open.host(), {
          work: [{ verb: name, operation: plain(mode, Number(ms ?? 0)), options: {}, subject: subject(path) }],
        }),
      )
      break
    }
    case 'sync': {
      await using open = await session()
      if (args[0] !== 'run') {
        await open.catalog().setControl('sync/orders', 'paused', args[0] === 'pause', 'me')
        break
      }
      const target = new DatabaseSync('target.db', { timeout: 5000 })
      target.exec('pragma journal_mode = wal; create table if not exists rows (id integer primary key, writes integer)')
      show(
        await runOperations(open.host(), {
          work: [
            {
              verb: 'sync',
              operation: sync(target, 20_000, args[1] === 'follow'),
              options: {},
              subject: subject('sync/orders', 'sync'),
            },
          ],
        }),
      )
      break
    }
    case 'maintain': {
      await using open = await session()
      const paths = Array.from({ length: 20 }, (_, i) => `lake/p${i}/t`)
      const last = new Map<string, string | null>(paths.map((path) => [path, null]))
      for await (const job of open.catalog().jobs({ verb: 'optimize' }))
        if (job.state === 'done') last.set(job.path, job.id)
      await new Promise((resolve) => setTimeout(resolve, 200)) // widens the race
      const due = paths.filter((path) => last.get(path) === null)
      show(
        await runOperations(open.host(), {
          work: due.map((path) => ({
            verb: 'optimize',
            operation: plain('maintain', 5),
            options: {},
            subject: subject(path),
          })),
          ifLast: last,
        }),
      )
      break
    }
  }
} catch (error) {
  const view = errorView(error)
  say({ status: 'failed', error: view })
  process.exitCode =
    (error as { exit?: number }).exit ?? { usage: 64, missing: 66, busy: 75, stopped: 130 }[view.kind as string] ?? 1
}
