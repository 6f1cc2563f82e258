/** Delta Lake: nine tables, many small loads, one compaction, and the proof that the rows are the same. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateRows } from '../../examples/generate-rows.ts'
import { formatDuration } from '../../src/core/units.ts'
import { commandLine } from './command-runner.ts'
import { answer, colors, directory, must, runner, say, write } from './stage.ts'
import { type Counts, printSummary } from './summary.ts'

const projects = ['acme', 'globex', 'initech']
const schemaOf: Readonly<Record<string, string>> = { logs: 'otel_logs_and_spans', metrics: 'metrics', events: 'events' }
const rowsPerLoad = 100
/** Printed in full; the others only count. */
const shownLoads = 2
const slowest =
  "select name, count(*) as requests, count(*) filter (level = 'ERROR') as errors, round(max(duration) / 1e6) as max_ms from t where duration is not null group by name order by max_ms desc limit 5"
/** Independent of the order of the rows: equal before and after, or rows changed. */
const content = 'select count(*) as n, sum(hash(t)::hugeint) as hash from t'

const tables = projects.flatMap((project) => Object.keys(schemaOf).map((table) => ({ project, table })))
const refs = tables.map(({ project, table }) => `lake:${project}/${table}`)

/** `loads`: at least one for each of the nine tables. */
export async function delta(loads: number): Promise<void> {
  const startedAt = performance.now()
  say(`1. A config to begin with: a lake of Delta tables on this disk, and a catalog. Here: ${directory}`)
  await runner.show('init', '-y')

  say('2. Three projects, each with three tables from table schemas that ship with tblctl.')
  for (const [table, schema] of Object.entries(schemaOf))
    await runner.show('create', ...projects.map((project) => `lake:${project}/${table}`), '--schema', schema)

  say(
    `3. Telemetry comes in small batches: ${loads} loads of ${rowsPerLoad} rows. Each is one commit and a small file or two.`,
  )
  await loadAll(await writeInputs(loads))

  say('4. What is there? The catalog knows the tables, and each table knows itself.')
  await runner.show('list')
  await runner.show('describe', 'lake:acme/events')
  await runner.show('stats', '--all')

  say('5. One read-only SELECT over a table, which is visible as t. Remember the answer.')
  await runner.show('query', 'lake:acme/logs', slowest)
  const [before, told, held] = [await counts(), await ask(), await contents()]
  const rows = [...before.values()].reduce((sum, table) => sum + table.rows, 0)
  must(rows === loads * rowsPerLoad, `${loads * rowsPerLoad} rows were loaded, and ${rows} are there`)

  say('6. The main job: many small files become few, in every table. Readers and writers could go on meanwhile.')
  const optimizeAt = performance.now()
  await runner.show('optimize', '--all', '-y')
  const optimizeMs = performance.now() - optimizeAt

  say('7. The same rows in fewer files, and the same answer.')
  await runner.show('stats', '--all')
  await runner.show('query', 'lake:acme/logs', slowest)
  must((await ask()) === told, 'the query does not answer as before')
  must((await contents()) === held, 'a table does not hold the rows that it held before')

  say(
    '8. A mistake, and the way back: every version is kept until vacuum removes its files, a week later at the earliest.',
  )
  const { status } = await answer<{ status: { version: number } }>('describe', 'lake:acme/logs')
  await runner.show('delete', 'lake:acme/logs', '--where', "level = 'ERROR'", '--confirm', 'logs')
  await runner.show('history', 'lake:acme/logs', '--limit', '3')
  await runner.show('restore', 'lake:acme/logs', '--version', String(status.version), '-y')
  await runner.show('vacuum', 'lake:acme/logs', '--dry-run')
  must((await contents()) === held, 'the deleted rows did not come back')

  say('What changed:')
  printSummary(refs, before, await counts(), await seconds(), { write, colors, optimizeMs })
  write(`\nRows and contents of all ${refs.length} tables are as before (count and hash over every column).\n`)
  write(`${loads} loads, ${refs.length} tables, ${formatDuration(performance.now() - startedAt)} in all.\n`)
}

/** The files that a collector would have written, in order of time; returns the loads, the tables taking turns. */
async function writeInputs(loads: number): Promise<string[][]> {
  const perTable = Math.ceil(loads / tables.length)
  const from = new Date('2026-01-01T00:00:00Z')
  const paths: string[][] = []
  for (const [at, { project, table }] of tables.entries()) {
    const folder = join('incoming', project, table)
    await mkdir(join(directory, folder), { recursive: true })
    const request = { rows: perTable * rowsPerLoad, seed: at + 1, from }
    const lines = Array.from(generateRows(schemaOf[table]!, request), (row) => `${JSON.stringify(row)}\n`)
    const files = Array.from({ length: perTable }, (_, file) =>
      join(folder, `${String(file + 1).padStart(2, '0')}.ndjson`),
    )
    for (const [file, path] of files.entries())
      await writeFile(join(directory, path), lines.slice(file * rowsPerLoad, (file + 1) * rowsPerLoad).join(''))
    paths.push(files)
  }
  return Array.from({ length: loads }, (_, at) => {
    const table = at % tables.length
    return ['load', refs[table]!, paths[table]![Math.floor(at / tables.length)]!]
  })
}

async function loadAll(commands: readonly string[][]): Promise<void> {
  const startedAt = performance.now()
  for (const [at, argv] of commands.entries()) {
    if (at < shownLoads) await runner.show(...argv)
    else await runner.capture(...argv)
    if (at >= shownLoads) progress(at + 1, commands.length, performance.now() - startedAt)
  }
  write(`${colors.dim(`… and ${commands.length - shownLoads} more, up to`)} ${commandLine(commands.at(-1)!)}\n`)
}

/** On a terminal one line that counts, else a line now and then. */
function progress(done: number, total: number, ms: number): void {
  const text = `  ${done} of ${total} loads, ${formatDuration(ms)}`
  if (process.stdout.isTTY) write(`\r\x1b[2K${colors.dim(text)}${done === total ? '\n' : ''}`)
  else if (done % 100 === 0) write(`${text}\n`)
}

const items = async <Item>(...argv: string[]): Promise<Item[]> => (await answer<{ items: Item[] }>(...argv)).items

async function counts(): Promise<Counts> {
  const found = await items<{ ref: string; status: { files: number; bytes: number; rows: number } }>('stats', '--all')
  return new Map(found.map(({ ref, status }) => [ref, status]))
}

const ask = (): Promise<string> => runner.capture('query', 'lake:acme/logs', slowest, '-o', 'json')

async function contents(): Promise<string> {
  const answers: string[] = []
  for (const ref of refs) answers.push(await runner.capture('query', ref, content, '-o', 'ndjson'))
  return answers.join('')
}

/** How long each table's optimize ran, from its job. */
async function seconds(): Promise<ReadonlyMap<string, number>> {
  const jobs = await items<{ ref: string; createdAt: string; finishedAt: string }>('jobs', 'list', '--verb', 'optimize')
  return new Map(jobs.map((job) => [job.ref, (Date.parse(job.finishedAt) - Date.parse(job.createdAt)) / 1000]))
}
