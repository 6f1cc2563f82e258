/** A ClickHouse server for tests: the embedded engine behind its HTTP interface, in a process of its own, with its data in a folder that goes with it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../servers/clickhouse-front.ts', import.meta.url))

export interface ClickhouseServer extends AsyncDisposable {
  readonly url: string
  /** Rows as objects. */
  query(sql: string): Promise<Record<string, unknown>[]>
  /** Statements that came since the last call, from anybody; this one's own queries too. */
  statements(): Promise<string[]>
}

export async function startClickhouse({ password = '' }: { password?: string } = {}): Promise<ClickhouseServer> {
  const root = mkdtempSync(join(tmpdir(), 'tblctl-clickhouse-'))
  const child = spawn(process.execPath, ['--no-warnings', program, join(root, 'data')], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: root, TMPDIR: process.env.TMPDIR ?? '/tmp', FRONT_PASSWORD: password },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const started = Promise.race([
    once(child.stdout!, 'data').then(([bytes]) => Number(String(bytes))),
    ended.then(([code]) => Promise.reject(new Error(`the ClickHouse front ended with ${code}`))),
  ])
  const url = `http://127.0.0.1:${await started}`
  return {
    url,
    async query(sql) {
      const settings = 'default_format=JSONEachRow&output_format_json_quote_64bit_integers=1&mutations_sync=2'
      const headers = { 'X-ClickHouse-User': 'default', 'X-ClickHouse-Key': password }
      const response = await fetch(`${url}/?${settings}`, { method: 'POST', body: sql, headers })
      const body = await response.text()
      if (!response.ok) throw new Error(body)
      return body
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    },
    statements: async () => (await (await fetch(`${url}/statements`)).json()) as string[],
    [Symbol.asyncDispose]: async () => {
      child.stdin!.end()
      await ended
      rmSync(root, { recursive: true, force: true })
    },
  }
}
