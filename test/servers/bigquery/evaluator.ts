/**
 * Google's own GoogleSQL evaluator (ZetaSQL's reference implementation, from npm) as a child process, asked over gRPC. It takes messages of
 * 4 MB: the tables of one query may not have more rows than that; answers may.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Column, ZetaCell, ZetaType } from './values.ts'

/** What a query reads; `version` changes whenever the rows do. */
export interface EvaluatedTable {
  readonly name: string
  readonly version: string
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly ZetaCell[])[]
}
export interface EvaluatedParameter {
  readonly name: string
  readonly type: ZetaType
  readonly value: ZetaCell
}
export interface Evaluated {
  readonly columns: readonly { readonly name: string; readonly type: ZetaType }[]
  readonly rows: readonly (readonly ZetaCell[])[]
}

type Call = (method: string, request: object) => Promise<any>

const require = createRequire(import.meta.url)
const modules = fileURLToPath(new URL('../node_modules', import.meta.url))
const folder = join(modules, '@fivetrandevelopers/zetasql/lib/zetasql')
const binary = `remote_server${process.arch.startsWith('arm') ? '_arm' : ''}${process.platform === 'darwin' ? '' : '.so'}`
const mostCatalogs = 64

export class Evaluator implements AsyncDisposable {
  private readonly child: ChildProcess
  private readonly call: Call
  private readonly language: object
  /** Registered catalogs by the tables that they hold; registering is done once for all who ask at a time. */
  private readonly catalogs = new Map<string, Promise<string>>()

  private constructor(child: ChildProcess, call: Call, language: object) {
    this.child = child
    this.call = call
    this.language = language
  }

  static async start(): Promise<Evaluator> {
    const port = await freePort()
    const child = spawn(join(folder, binary), ['127.0.0.1', String(port)], { stdio: 'ignore' })
    const stop = () => void child.kill('SIGKILL')
    process.once('exit', stop)
    child.once('exit', () => process.off('exit', stop))
    await once(child, 'spawn')
    const call = await connect(port)
    const language = await call('GetLanguageOptions', { maximum_features: true })
    language.product_mode = 'PRODUCT_EXTERNAL'
    language.enabled_language_features.push('FEATURE_INTERVAL_TYPE')
    return new Evaluator(child, call, language)
  }
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    this.child.kill('SIGKILL')
    await once(this.child, 'exit')
  }

  /** Tables as the statement names them, in the order of their first use. */
  async tableNames(sql: string): Promise<readonly (readonly string[])[]> {
    const { table_name = [] } = await this.call('ExtractTableNamesFromStatement', {
      sql_statement: sql,
      options: this.language,
    })
    return table_name.map((name: any) => name.table_name_segment)
  }

  /** Rejects with the evaluator's own message. */
  async query(
    sql: string,
    tables: readonly EvaluatedTable[],
    parameters: readonly EvaluatedParameter[],
  ): Promise<Evaluated> {
    const answer = await this.call('EvaluateQuery', {
      sql,
      options: {
        language_options: this.language,
        default_timezone: 'UTC',
        query_parameters: parameters.map(({ name, type }) => ({ name, type })),
      },
      registered_catalog_id: await this.catalog(tables),
      params: parameters.map(({ name, value }) => ({ name, value })),
    })
    return {
      columns: (answer.prepared?.columns ?? []).map(({ name, type }: any) => ({ name, type })),
      rows: (answer.content?.table_data?.row ?? []).map((row: any) => row.cell ?? []),
    }
  }

  private catalog(tables: readonly EvaluatedTable[]): Promise<string> {
    const key = tables
      .map(({ name, version }) => `${name}@${version}`)
      .sort()
      .join(' ')
    const known = this.catalogs.get(key)
    if (known) return known
    const made = this.register(tables)
    this.catalogs.set(key, made)
    made.catch(() => this.catalogs.delete(key))
    this.forgetOldest()
    return made
  }
  private async register(tables: readonly EvaluatedTable[]): Promise<string> {
    const { registered_id } = await this.call('RegisterCatalog', {
      simple_catalog: {
        name: 'catalog',
        builtin_function_options: { language_options: this.language },
        table: tables.map(({ name, columns }) => ({
          name,
          column: columns.map((column) => ({ name: column.name, type: column.type })),
        })),
      },
      table_content: Object.fromEntries(
        tables.map(({ name, rows }) => [name, { table_data: { row: rows.map((cell) => ({ cell })) } }]),
      ),
    })
    return registered_id
  }
  /** Not at once: a query may be using it. */
  private forgetOldest(): void {
    if (this.catalogs.size <= mostCatalogs) return
    const [key, id] = this.catalogs.entries().next().value!
    this.catalogs.delete(key)
    void id.then((registered_id) =>
      setTimeout(() => this.call('UnregisterCatalog', { registered_id }).catch(() => {}), 10_000).unref(),
    )
  }
}

async function connect(port: number): Promise<Call> {
  const grpc = require(join(modules, '@grpc/grpc-js'))
  const definition = require(join(modules, '@grpc/proto-loader')).loadSync('local_service.proto', {
    includeDirs: [join(folder, 'protos')],
    longs: String,
    enums: String,
    bytes: Buffer,
    keepCase: true,
  })
  const Service = grpc.loadPackageDefinition(definition).zetasql.local_service.ZetaSqlLocalService
  const client = new Service(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': 200,
  })
  await new Promise<void>((resolve, reject) => {
    client.waitForReady(Date.now() + 20_000, (error: Error | undefined) => (error ? reject(error) : resolve()))
  })
  return (method, request) =>
    new Promise((resolve, reject) => {
      client[method](request, (error: (Error & { details: string }) | null, answer: unknown) =>
        error ? reject(new Error(error.details, { cause: error })) : resolve(answer),
      )
    })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
