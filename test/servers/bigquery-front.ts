/**
 * BigQuery's REST API over Google's own GoogleSQL evaluator: a server for the real client and for our driver. In memory.
 * As a program: `node test/servers/bigquery-front.ts [PORT]` prints its endpoint and serves until it is stopped.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { RequestError } from './bigquery/errors.ts'
import { Evaluator } from './bigquery/evaluator.ts'
import { Jobs } from './bigquery/jobs.ts'
import { Store } from './bigquery/store.ts'

/** What goes wrong with the next `times` requests that fit. */
export interface Fault {
  readonly method?: string
  /** Of the path and the query string. */
  readonly path: RegExp
  readonly times: number
  /**
   * An answer in Google's shape; the connection cut before or after the work was done; `incomplete`: done, but answered with jobComplete
   * false; `slow`: held back for so many milliseconds.
   */
  readonly is:
    | { readonly code: number; readonly reason: string; readonly message?: string }
    | 'reset-before'
    | 'reset-after'
    | 'incomplete'
    | { readonly slow: number }
}
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly body: any
}

export class BigQueryFront implements AsyncDisposable {
  readonly endpoint: string
  readonly store: Store
  /** Every request, oldest first. */
  readonly seen: SeenRequest[] = []
  private readonly server: Server
  private readonly evaluator: Evaluator
  private readonly jobs: Jobs
  private faults: { fault: Fault; left: number }[] = []

  private constructor(server: Server, evaluator: Evaluator, pageBytes: number) {
    this.server = server
    this.evaluator = evaluator
    this.store = new Store()
    this.jobs = new Jobs(this.store, evaluator, pageBytes)
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (request, response) => void this.serve(request, response))
  }
  /** `pageBytes`: of the rows of one answer; the service's own bound is 10 MB. */
  static async start(port = 0, pageBytes = 10_000_000): Promise<BigQueryFront> {
    const evaluator = await Evaluator.start()
    const server = createServer().listen(port, '127.0.0.1')
    await once(server, 'listening')
    return new BigQueryFront(server, evaluator, pageBytes)
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close()
    this.server.closeAllConnections()
    await this.evaluator[Symbol.asyncDispose]()
  }

  fail(...faults: readonly Fault[]): void {
    this.faults.push(...faults.map((fault) => ({ fault, left: fault.times })))
  }
  heal(): void {
    this.faults = []
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method!
    const url = new URL(request.url!, this.endpoint)
    const body = await bodyOf(request)
    this.seen.push({ method, path: url.pathname + url.search, authorization: request.headers.authorization, body })
    const fault = this.nextFault(method, url.pathname + url.search)
    try {
      if (typeof fault === 'object' && 'slow' in fault) await new Promise((resolve) => setTimeout(resolve, fault.slow))
      else if (typeof fault === 'object')
        throw new RequestError(fault.code, fault.reason, fault.message ?? fault.reason)
      if (fault === 'reset-before') return void request.socket.destroy()
      const answer = await this.route(method, url, body)
      if (fault === 'reset-after') return void request.socket.destroy()
      send(response, answer === null ? 204 : 200, fault === 'incomplete' ? incomplete(answer as any) : answer)
    } catch (error) {
      const known = error instanceof RequestError ? error : new RequestError(500, 'internalError', String(error))
      send(response, known.code, known.body())
    }
  }

  private nextFault(method: string, path: string): Fault['is'] | undefined {
    const found = this.faults.find(
      ({ fault, left }) => left > 0 && (fault.method ?? method) === method && fault.path.test(path),
    )
    if (!found) return undefined
    found.left--
    return found.fault.is
  }

  private async route(method: string, url: URL, body: any): Promise<object | null> {
    const path = url.pathname
      .replace(/^\/bigquery\/v2/, '')
      .split('/')
      .slice(1)
      .map(decodeURIComponent)
    const [projects, project, kind, id, part, table, action] = path
    const route = `${method} ${[kind, id && ':id', part, table && ':table', action].filter(Boolean).join('/')}`
    if (projects === 'projects' && project !== undefined) {
      if (kind === 'datasets') return this.datasets(route, url, body, project, id!, table!)
      switch (route) {
        case 'POST queries':
          return this.jobs.query(project, body)
        case 'GET queries/:id':
          return this.jobs.page(project, id!, url.searchParams)
        case 'POST jobs':
          return this.jobs.insert(project, body)
        case 'GET jobs/:id':
          return this.jobs.get(project, id!)
        case 'POST jobs/:id/cancel':
          return { kind: 'bigquery#jobCancelResponse', job: this.jobs.get(project, id!) }
      }
    }
    throw new RequestError(404, 'notFound', `Not found: ${method} ${url.pathname}`)
  }

  private datasets(route: string, url: URL, body: any, project: string, dataset: string, table: string): object | null {
    const { store } = this
    switch (route) {
      case 'GET datasets': {
        const all = [...store.datasets(project).values()].map(({ id, location }) => datasetOf(project, id, location))
        return paged('datasets', all, url)
      }
      case 'POST datasets': {
        const { id, location } = store.createDataset(project, body.datasetReference.datasetId, body.location ?? 'US')
        return datasetOf(project, id, location)
      }
      case 'GET datasets/:id':
        return datasetOf(project, dataset, store.dataset(project, dataset).location)
      case 'DELETE datasets/:id':
        if (store.dataset(project, dataset).tables.size > 0 && url.searchParams.get('deleteContents') !== 'true')
          throw new RequestError(400, 'resourceInUse', `Dataset ${project}:${dataset} is still in use`)
        store.deleteDataset(project, dataset)
        return null
      case 'GET datasets/:id/tables': {
        const all = [...store.dataset(project, dataset).tables.keys()].map((tableId) => ({
          kind: 'bigquery#table',
          id: `${project}:${dataset}.${tableId}`,
          tableReference: { projectId: project, datasetId: dataset, tableId },
          type: 'TABLE',
        }))
        return paged('tables', all, url)
      }
      case 'POST datasets/:id/tables':
        return store.createTable(project, dataset, body.tableReference.tableId, body).describe()
      case 'GET datasets/:id/tables/:table':
        return store.table(project, dataset, table).describe()
      case 'PATCH datasets/:id/tables/:table': {
        const found = store.table(project, dataset, table)
        found.patch(body)
        return found.describe()
      }
      case 'DELETE datasets/:id/tables/:table':
        store.deleteTable(project, dataset, table)
        return null
      case 'POST datasets/:id/tables/:table/insertAll':
        return insertAll(store.table(project, dataset, table), body)
    }
    throw new RequestError(404, 'notFound', `Not found: ${url.pathname}`)
  }
}

function datasetOf(projectId: string, datasetId: string, location: string): object {
  const id = `${projectId}:${datasetId}`
  return { kind: 'bigquery#dataset', id, datasetReference: { projectId, datasetId }, location }
}

function paged(name: string, all: readonly object[], url: URL): object {
  const start = Number(url.searchParams.get('pageToken') ?? 0)
  const end = start + Number(url.searchParams.get('maxResults') ?? 50)
  return {
    kind: `bigquery#${name.slice(0, -1)}List`,
    [name]: all.slice(start, end),
    totalItems: all.length,
    ...(end < all.length ? { nextPageToken: String(end) } : {}),
  }
}

/** Rows that do not fit are named by their index, and then none is taken. */
function insertAll(table: ReturnType<Store['table']>, body: any): object {
  const errors = (body.rows as { json: Record<string, unknown> }[]).flatMap(({ json }, index) => {
    try {
      table.row(json)
      return []
    } catch (error) {
      return [
        { index, errors: [{ reason: 'invalid', message: (error as Error).message, location: '', debugInfo: '' }] },
      ]
    }
  })
  if (errors.length === 0) table.append(body.rows)
  const kind = 'bigquery#tableDataInsertAllResponse'
  return errors.length === 0 ? { kind } : { kind, insertErrors: errors }
}

/** The job is not done yet: who asked looks again by getQueryResults. */
function incomplete({ jobReference }: { jobReference: object }): object {
  return { kind: 'bigquery#queryResponse', jobComplete: false, jobReference }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return chunks.length === 0 ? null : JSON.parse(Buffer.concat(chunks).toString())
}
function send(response: ServerResponse, code: number, body: object | null): void {
  // Just this text: with another one the client loses `errors[].reason` in its own retry check.
  response.writeHead(code, { 'content-type': 'application/json; charset=UTF-8' })
  response.end(body === null ? undefined : JSON.stringify(body))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const front = await BigQueryFront.start(Number(process.argv[2] ?? 9050))
  process.stdout.write(`${front.endpoint}\n`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void front[Symbol.asyncDispose]().then(() => process.exit(0)))
}
