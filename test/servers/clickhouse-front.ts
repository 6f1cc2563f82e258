/**
 * ClickHouse's HTTP interface in front of the embedded engine, for tests of what speaks to a server: `node clickhouse-front.ts FOLDER`.
 * A session of its own for each request, as a server has; parameters are bound by the engine. Prints its port, ends with its standard input.
 * `FRONT_PASSWORD`: what the user `default` must know. `GET /statements`: every statement since the last time it was asked, as JSON.
 */
import { randomUUID } from 'node:crypto'
import { createWriteStream, mkdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { Session } from 'chdb'

const folder = process.argv[2]!
const uploads = `${folder}-uploads`
mkdirSync(uploads, { recursive: true })
/** Keeps the folder open: a session that was the only one would load all tables anew. */
const keeper = new Session(folder)
const password = process.env.FRONT_PASSWORD ?? ''
let statements: string[] = []

/** Parameters of the interface itself; every other one is a setting. */
const notSettings =
  /^(query|database|session_id|session_timeout|query_id|default_format|wait_end_of_query|buffer_size|compress|decompress|user|password|role|client_protocol_version|param_.*)$/

class HttpError extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url!, 'http://localhost')
  if (url.pathname === '/ping') return void response.end('Ok.\n')
  if (url.pathname === '/statements') {
    const asked = statements
    statements = []
    return void response.end(JSON.stringify(asked))
  }
  authenticate(request)
  const asked = url.searchParams.get('query')
  const insert = asked === null ? null : /^(INSERT INTO .*) FORMAT (\w+)\s*$/s.exec(asked)
  const file = insert ? join(uploads, randomUUID()) : null
  if (file) await pipeline(request, createWriteStream(file))
  const sql = file ? `${insert![1]} FROM INFILE '${file}' FORMAT ${insert![2]}` : (asked ?? '') + (await text(request))
  statements.push(file ? asked! : sql)
  const session = new Session(folder)
  try {
    await prepare(session, url.searchParams)
    const format = url.searchParams.get('default_format') ?? 'TabSeparated'
    const result = await session.queryAsync(sql, { format })
    response.setHeader('X-ClickHouse-Query-Id', url.searchParams.get('query_id') ?? randomUUID())
    response.setHeader('X-ClickHouse-Summary', JSON.stringify({ read_rows: String(result.rowsRead) }))
    response.end(result.bytes())
  } finally {
    session.close()
    if (file) await rm(file, { force: true })
  }
}

function authenticate({ headers }: IncomingMessage): void {
  const [, basic = ''] = /^Basic (.*)$/.exec(headers.authorization ?? '') ?? []
  const [user, key] = basic
    ? Buffer.from(basic, 'base64').toString().split(':')
    : [headers['x-clickhouse-user'] ?? 'default', headers['x-clickhouse-key'] ?? '']
  if (user === 'default' && key === password) return
  throw new HttpError(
    516,
    `${user}: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)`,
  )
}

async function prepare(session: Session, parameters: URLSearchParams): Promise<void> {
  await session.queryAsync('SET implicit_select = 0')
  const settings: string[] = []
  for (const [name, value] of parameters) {
    if (name === 'database') await session.queryAsync(`USE \`${value.replaceAll('`', '\\`')}\``)
    if (name.startsWith('param_')) await session.queryAsync(`SET ${name} = ${quoted(value)}`)
    if (!notSettings.test(name)) settings.push(`${name} = ${quoted(value)}`)
  }
  // All at once: a server judges them together too, and so `readonly` does not forbid the others.
  if (settings.length > 0) await session.queryAsync(`SET ${settings.join(', ')}`)
}
const quoted = (value: string): string => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

const server = createServer((request, response) => {
  answer(request, response).catch((error: Error & { code?: unknown }) => {
    const message = error.message.replace(/^Code: \d+\. DB::Exception: /, '')
    const code = error instanceof HttpError ? error.code : Number(/Code: (\d+)/.exec(error.message)?.[1] ?? 1002)
    response.statusCode = code === 516 ? 403 : code === 60 || code === 81 ? 404 : 500
    response.setHeader('X-ClickHouse-Exception-Code', String(code))
    response.end(`Code: ${code}. DB::Exception: ${message} (version 26.7.2.1)\n`)
  })
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
process.stdin.resume()
process.stdin.on('end', () => {
  server.closeAllConnections()
  keeper.close()
  process.exit(0)
})
