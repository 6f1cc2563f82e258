/** What the parts of the quickstart share: the folder that they work in, the commands that they give, the terminal. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import picocolors from 'picocolors'
import { wantsColor } from '../../src/cli/color.ts'
import { fail } from '../../src/core/errors.ts'
import { createRunner } from './command-runner.ts'

export const write = (text: string): void => void process.stdout.write(text)
export const colors = picocolors.createColors(wantsColor('auto', process.env, process.stdout.isTTY))
export const directory = await mkdtemp(join(tmpdir(), 'tblctl-quickstart-'))
export const runner = createRunner(directory, (line) => write(`${colors.dim('$')} ${colors.bold(line)}\n`))
export const say = (text: string): void => write(`\n${colors.cyan(text)}\n\n`)

/** Adds a line to the config, and shows it. */
export async function configure(line: string, section: 'backends' | 'sync' = 'backends'): Promise<void> {
  const file = join(directory, 'tblctl.yaml')
  const text = await readFile(file, 'utf8').catch(() => 'version: 1\n')
  const head = new RegExp(`^${section}:.*\\n`, 'm')
  const whole = head.test(text) ? text : `${text}${section}:\n`
  await writeFile(
    file,
    whole.replace(head, (found) => `${found}  ${line}\n`),
  )
  write(`${colors.dim('# tblctl.yaml,')} ${colors.dim(`${section}:`)} ${line}\n`)
}

/** Writes rows into a file of the folder, a JSON object a line. */
export const writeRows = (name: string, rows: Iterable<object>): Promise<void> =>
  writeFile(join(directory, name), Array.from(rows, (row) => `${JSON.stringify(row)}\n`).join(''))

export const answer = async <Answer>(...argv: string[]): Promise<Answer> =>
  JSON.parse(await runner.capture(...argv, '-o', 'json')) as Answer

/** The first row of a query. */
export const firstRow = async (...argv: string[]): Promise<Record<string, unknown>> =>
  (await answer<{ rows: Record<string, unknown>[] }>('query', ...argv)).rows[0]!

const wrong = (what: string): Error => fail('failed', 'quickstart-wrong', what)

export function must(holds: boolean, what: string): void {
  if (!holds) throw wrong(what)
}
