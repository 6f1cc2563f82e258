/**
 * `npm run bench`: how long a person waits. `tblctl --help` against a bare `node -e 0`, and `tblctl list` over 10,000 tables against its
 * budget (0.3 s, 120 MB). Whole processes of the built program; minimum and median of the runs, which take turns.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openSqliteCatalog } from '../src/catalog/sqlite.ts'

const runs = 15
const bin = fileURLToPath(new URL('../bin/tblctl.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'tblctl-bench-'))
const peak = join(folder, 'peak')
const reporter = `data:text/javascript,import{writeFileSync}from'node:fs';process.on('exit',()=>writeFileSync(${JSON.stringify(peak)},String(process.resourceUsage().maxRSS)))`

function time(args: readonly string[]): number {
  const begin = performance.now()
  const { status, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`)
  return performance.now() - begin
}

try {
  await makeCatalog(10_000)
  const times = { bare: [] as number[], help: [] as number[], list: [] as number[] }
  for (let run = -2; run < runs; run++) {
    const bare = time(['-e', '0'])
    const help = time([bin, '--help'])
    const list = time([bin, 'list'])
    if (run < 0) continue // the compile cache is filled by the first
    times.bare.push(bare)
    times.help.push(help)
    times.list.push(list)
  }
  time(['--import', reporter, bin, 'list'])
  const sorted = Object.fromEntries(
    Object.entries(times).map(([name, list]) => [name, list.toSorted((a, b) => a - b)]),
  ) as typeof times
  const say = (name: keyof typeof times) =>
    `min ${sorted[name][0]!.toFixed(0)} ms, median ${sorted[name][Math.floor(runs / 2)]!.toFixed(0)} ms`
  process.stdout.write(
    `node -e 0                     ${say('bare')}\ntblctl --help                 ${say('help')}   ratio of the minima ${(sorted.help[0]! / sorted.bare[0]!).toFixed(2)} (wanted: at most 2)\ntblctl list, 10,000 tables    ${say('list')}   peak ${(Number(readFileSync(peak, 'utf8')) / 1024).toFixed(0)} MB (wanted: 300 ms, 120 MB)\n`,
  )
} finally {
  rmSync(folder, { recursive: true })
}

async function makeCatalog(tables: number): Promise<void> {
  writeFileSync(join(folder, 'tblctl.yaml'), 'version: 1\nbackends:\n  lake: { driver: delta, url: "file:./lake" }\n')
  await using catalog = openSqliteCatalog(join(folder, '.tblctl/catalog.db'))
  const job = {
    id: 'fill',
    run: 'bench',
    verb: 'register',
    subject: 'table',
    path: 'lake',
    key: '',
    version: 1,
    hold: 'run',
    options: {},
    actor: 'bench',
    plan: { changes: 1, risk: 'routine', summary: [], basis: {}, leases: [] },
  } as const
  const lease = await catalog.begin(job, 'bench/0/0/0', 60_000)
  if (lease.is !== 'held') throw new Error('busy')
  const effects = Array.from({ length: tables }, (_, i) => {
    const path = `lake/project-${Math.floor(i / 10)}/table-${i % 10}`
    return {
      put: path,
      state: 'active' as const,
      spec: {
        schema: 'otel_logs_and_spans',
        location: `file:///data/lake/projects/${path.slice(5)}`,
        labels: { tier: i % 2 ? 'hot' : 'cold' },
        options: {},
      },
    }
  })
  await catalog.commit('fill', lease.fence, {
    finish: { state: 'done', outcome: 'done', result: null, error: null, tables: effects, waitsFor: [], wakeAt: null },
  })
}
