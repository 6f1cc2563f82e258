/**
 * Rows as OpenTelemetry would bring them, for trying things out: the same seed gives the same rows on every machine.
 *
 *     node examples/generate-rows.ts SCHEMA --rows N [--seed S] [--from 2026-01-01T00:00:00Z] > rows.ndjson
 *
 * SCHEMA is one of the shipped table schemas otel_logs_and_spans, metrics and events. Rows come in order of time, spread
 * over three days. `date` and `project_id` are left out: a load takes them from the time and from the ref.
 */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'

export type Row = Readonly<Record<string, unknown>>
export interface Request {
  readonly rows: number
  readonly seed: number
  /** Time of the first row. */
  readonly from: Date
}
type Random = () => number
type MakeRow = (random: Random, micros: bigint, at: number) => Row

const days = 3
const defaultFrom = '2026-01-01T00:00:00Z'

const services = [
  { name: 'frontend', version: '3.8.1', language: 'nodejs', routes: ['GET /', 'GET /products', 'GET /cart'] },
  { name: 'checkout', version: '2.14.0', language: 'go', routes: ['POST /checkout', 'GET /orders/{id}'] },
  { name: 'payment', version: '1.9.3', language: 'java', routes: ['POST /charges', 'POST /refunds'] },
  { name: 'catalog', version: '5.0.2', language: 'python', routes: ['GET /search', 'GET /products/{id}'] },
  { name: 'shipping', version: '0.7.12', language: 'rust', routes: ['POST /quotes', 'POST /labels'] },
] as const
const regions = ['eu-west-1', 'us-east-1', 'ap-south-1'] as const
const severities = { DEBUG: 5, INFO: 9, WARN: 13, ERROR: 17 } as const

const makers: Readonly<Record<string, MakeRow>> = { otel_logs_and_spans: logOrSpan, metrics: point, events: event }
export const schemas: readonly string[] = Object.keys(makers)

/** Rows of one table schema, one after the other; `schema` is one of `schemas`. */
export function* generateRows(schema: string, { rows, seed, from }: Request): Generator<Row> {
  const make = makers[schema]
  if (make === undefined) throw new RangeError(`there are no rows for the schema ${schema}`)
  const random = randomNumbers(seed)
  const begin = BigInt(from.getTime()) * 1000n
  const step = (days * 86_400e6) / rows
  for (let at = 0; at < rows; at++) yield make(random, begin + BigInt(Math.floor((at + random()) * step)), at)
}

function logOrSpan(random: Random, micros: bigint): Row {
  const service = pick(random, services)
  const route = pick(random, service.routes)
  const [method = '', path = ''] = route.split(' ')
  const failed = random() < 0.03
  const isSpan = random() < 0.6
  const level = failed ? 'ERROR' : random() < 0.06 ? 'WARN' : isSpan || random() < 0.8 ? 'INFO' : 'DEBUG'
  const nanos = Math.round(latencyMs(random, failed) * 1e6)
  const status = failed ? pick(random, [500, 502, 503]) : pick(random, [200, 200, 200, 201, 304, 404])
  const [trace, span] = [hex(random, 32), hex(random, 16)]
  const text = failed
    ? `${route} failed: upstream answered ${status}`
    : `${route} ${status} in ${(nanos / 1e6).toFixed(1)} ms`
  return {
    timestamp: time(micros),
    observed_timestamp: time(micros + BigInt(Math.floor(random() * 5e6))),
    id: uuid(random),
    ...(isSpan && random() < 0.5 ? { parent_id: hex(random, 16) } : {}),
    name: isSpan ? route : 'log',
    kind: isSpan ? pick(random, ['server', 'server', 'client', 'internal']) : 'log',
    status_code: failed ? 'ERROR' : 'OK',
    ...(failed ? { status_message: `upstream answered ${status}` } : {}),
    level,
    severity: { severity_text: level, severity_number: severities[level] },
    severity___severity_text: level,
    severity___severity_number: severities[level],
    ...(isSpan
      ? { duration: nanos, start_time: time(micros), end_time: time(micros + BigInt(Math.round(nanos / 1000))) }
      : { body: { message: text }, attributes___log__record___original: text }),
    context: { trace_id: trace, span_id: span, is_remote: false },
    context___trace_id: trace,
    context___span_id: span,
    attributes: { http: { request: { method }, response: { status_code: status } }, url: { path } },
    attributes___http___request___method: method,
    attributes___http___response___status_code: status,
    attributes___url___path: path,
    attributes___client___address: `10.${whole(random, 4)}.${whole(random, 250)}.${whole(random, 250)}`,
    ...(failed ? { attributes___error___type: String(status) } : {}),
    ...resourceOf(random, service, true),
    resource___telemetry___sdk___language: service.language,
    resource___deployment___environment___name: 'production',
    hashes: [hex(random, 8)],
    summary: [level, route, String(status)],
    message_size_bytes: text.length,
  }
}

function point(random: Random, micros: bigint, at: number): Row {
  const service = pick(random, services)
  const region = pick(random, regions)
  const node = `node-${1 + whole(random, 6)}`
  const metric = pick(random, [
    { name: 'http.server.requests', type: 'sum', unit: '{request}', value: at * 7 + whole(random, 7) },
    { name: 'http.server.request.duration', type: 'gauge', unit: 'ms', value: rounded(latencyMs(random, false)) },
    { name: 'process.cpu.utilization', type: 'gauge', unit: '1', value: rounded(random() ** 2) },
    { name: 'process.memory.usage', type: 'gauge', unit: 'By', value: 1e8 + whole(random, 4e8) },
    { name: 'queue.depth', type: 'gauge', unit: '{message}', value: whole(random, 200) },
  ])
  return {
    timestamp: time(micros),
    metric_name: metric.name,
    metric_type: metric.type,
    value: metric.value,
    unit: metric.unit,
    labels: JSON.stringify({ service: service.name, region, node }),
    ...resourceOf(random, service, false),
    attributes: JSON.stringify({ environment: 'production', region, cluster: `${region}-a`, node }),
    attributes___environment: 'production',
    attributes___region: region,
    attributes___cluster: `${region}-a`,
    attributes___node: node,
  }
}

function event(random: Random, micros: bigint): Row {
  const service = pick(random, services)
  const kind = pick(random, [
    { type: 'order', action: 'placed', severity: 'INFO' },
    { type: 'order', action: 'cancelled', severity: 'WARN' },
    { type: 'user', action: 'login', severity: 'INFO' },
    { type: 'user', action: 'logout', severity: 'INFO' },
    { type: 'deployment', action: 'finished', severity: 'INFO' },
    { type: 'alert', action: 'fired', severity: 'ERROR' },
  ])
  const outcome = random() < 0.95 ? 'success' : 'failure'
  const user = `user-${String(whole(random, 5000)).padStart(4, '0')}`
  const durationMs = Math.round(latencyMs(random, outcome === 'failure'))
  return {
    timestamp: time(micros),
    event_id: uuid(random),
    event_type: kind.type,
    event_name: `${kind.type}.${kind.action}`,
    severity: kind.severity,
    message: `${kind.type} ${kind.action} by ${user}`,
    source: service.name,
    user_id: user,
    session_id: hex(random, 12),
    trace_id: hex(random, 32),
    span_id: hex(random, 16),
    attributes: JSON.stringify({ action: kind.action, category: kind.type, outcome, duration_ms: durationMs }),
    attributes___action: kind.action,
    attributes___category: kind.type,
    attributes___outcome: outcome,
    attributes___duration_ms: durationMs,
    ...resourceOf(random, service, false),
  }
}

/** The resource as its own columns and as a document: an object where the schema says Json, its text where it says Utf8. */
function resourceOf(random: Random, { name, version }: (typeof services)[number], isJson: boolean): Row {
  const instance = `${name}-${whole(random, 3)}`
  const document = { service: { name, version, namespace: 'shop', instance: { id: instance } } }
  return {
    resource: isJson ? document : JSON.stringify(document),
    resource___service___name: name,
    resource___service___version: version,
    resource___service___instance___id: instance,
  }
}

/** Mulberry32: 32 bits of state are plenty for examples, and it is the same everywhere. */
function randomNumbers(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
const whole = (random: Random, below: number): number => Math.floor(random() * below)
const pick = <Choice>(random: Random, choices: readonly Choice[]): Choice => choices[whole(random, choices.length)]!
const hex = (random: Random, length: number): string =>
  Array.from({ length }, () => whole(random, 16).toString(16)).join('')
const uuid = (random: Random): string =>
  `${hex(random, 8)}-${hex(random, 4)}-4${hex(random, 3)}-${pick(random, ['8', '9', 'a', 'b'])}${hex(random, 3)}-${hex(random, 12)}`
/** Most are quick and a few very slow, as in life: log-normal, and what fails waited for a timeout. */
const latencyMs = (random: Random, failed: boolean): number =>
  Math.exp(3 + 1.1 * (random() + random() + random() - 1.5) * 2) * (failed ? 20 : 1)
const rounded = (value: number): number => Math.round(value * 1e4) / 1e4
/** RFC 3339 with microseconds. */
const time = (micros: bigint): string =>
  new Date(Number(micros / 1000n)).toISOString().replace('Z', `${String(micros % 1000n).padStart(3, '0')}Z`)

function readArguments(argv: readonly string[]): { readonly schema: string; readonly request: Request } {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      rows: { type: 'string' },
      seed: { type: 'string', default: '1' },
      from: { type: 'string', default: defaultFrom },
    },
  })
  const [schema = '', ...more] = positionals
  if (more.length > 0 || !schemas.includes(schema)) throw new RangeError(`SCHEMA is one of ${schemas.join(', ')}`)
  const rows = wholeNumber('--rows', values.rows ?? '')
  const seed = wholeNumber('--seed', values.seed)
  const from = new Date(values.from)
  if (Number.isNaN(from.getTime())) throw new RangeError(`--from is a time such as ${defaultFrom}`)
  return { schema, request: { rows, seed, from } }
}

function wholeNumber(flag: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new RangeError(`${flag} is a whole number of at most 9 digits`)
  return Number(text)
}

function* lines(schema: string, request: Request): Generator<string> {
  for (const row of generateRows(schema, request)) yield JSON.stringify(row) + '\n'
}

async function main(): Promise<void> {
  let asked: ReturnType<typeof readArguments>
  try {
    asked = readArguments(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(
      `error: ${(error as Error).message}\n  usage: generate-rows.ts SCHEMA --rows N [--seed S] [--from TIME]\n`,
    )
    process.exitCode = 64
    return
  }
  try {
    await pipeline(Readable.from(lines(asked.schema, asked.request)), process.stdout)
  } catch (error) {
    // The reader had enough (`| head`).
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  }
}

if (import.meta.main) await main()
