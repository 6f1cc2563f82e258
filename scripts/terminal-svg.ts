/**
 * `node scripts/terminal-svg.ts`: writes docs/terminal.svg, a picture of a terminal with `list`, `describe` and a plan. The text is
 * what the commands print, in colour; only what differs from run to run (times, the folder, the id of a table) is replaced.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateRows } from '../examples/generate-rows.ts'
import { commandLine, createRunner } from './quickstart/command-runner.ts'
import { terminalSvg } from './terminal-picture.ts'

const projects = ['acme', 'globex', 'initech']
const schemaOf = { logs: 'otel_logs_and_spans', metrics: 'metrics', events: 'events' }
const loads = 12
/** Up to the first columns; all of them would make a tower of the picture. */
const describeLines = 24
/** The clock of the commands. */
const today = new Date('2026-01-05T08:30:00Z')

const directory = await mkdtemp(join(tmpdir(), 'tblctl-picture-'))
const runner = createRunner(
  directory,
  () => {},
  () => today,
)
try {
  await runner.capture('init', '-y')
  for (const [table, schema] of Object.entries(schemaOf))
    for (const project of projects) await runner.capture('create', `lake:${project}/${table}`, '--schema', schema)
  await loadSome('lake:acme/metrics', schemaOf.metrics, 1)
  await loadSome('lake:globex/metrics', schemaOf.metrics, 2)

  const lines = [
    ...(await shown(['list'])),
    '',
    ...(await shown(['describe', 'lake:acme/metrics'], describeLines)),
    '',
    ...(await shown(['optimize', 'lake:*/metrics', '--dry-run'])),
  ]
  const picture = terminalSvg(lines, 'tblctl list, tblctl describe, and the plan of an optimize')
  await writeFile(new URL('../docs/terminal.svg', import.meta.url), picture)
} finally {
  await rm(directory, { recursive: true })
}

async function loadSome(ref: string, schema: string, seed: number): Promise<void> {
  const rows = [...generateRows(schema, { rows: loads * 500, seed, from: new Date('2026-01-02T00:00:00Z') })]
  for (let load = 0; load < loads; load++) {
    const lines = rows.slice(load * 500, (load + 1) * 500).map((row) => `${JSON.stringify(row)}\n`)
    await writeFile(join(directory, 'rows.ndjson'), lines.join(''))
    await runner.capture('load', ref, 'rows.ndjson')
  }
}

/** The prompt with the command, and its output; `most` lines as `head` would cut it. */
async function shown(argv: readonly string[], most?: number): Promise<string[]> {
  const output = settled(await runner.capture(...argv, '--color', 'always'))
    .trimEnd()
    .split('\n')
  const head = most === undefined ? '' : ` | head -n ${most}`
  return [`\x1b[32m$\x1b[39m \x1b[1m${commandLine(argv)}${head}\x1b[22m`, ...output.slice(0, most)]
}

/** What depends on this machine and this minute. */
function settled(text: string): string {
  return text
    .replaceAll(directory, '/home/you/lakehouse')
    .replaceAll(/\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, today.toISOString().replace('.000', ''))
    .replaceAll(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '6f1c2f0e-5b7a-4d0c-9a53-0e4f7d1b8a26')
}
