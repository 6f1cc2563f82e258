/** jobs.query, getQueryResults and dry runs: a statement is evaluated once, its rows are kept and read in pages. */
import { randomUUID } from 'node:crypto'
import { RequestError } from './errors.ts'
import type { EvaluatedParameter, Evaluator } from './evaluator.ts'
import { renameTables } from './names.ts'
import type { Store, StoredTable } from './store.ts'
import { type Field, resultField, toWire, toZeta, type ZetaCell, type ZetaType, zetaType } from './values.ts'

interface Job {
  readonly id: string
  readonly project: string
  readonly location: string
  readonly fields: readonly Field[]
  readonly types: readonly ZetaType[]
  readonly rows: readonly (readonly ZetaCell[])[]
  readonly processed: number
  readonly billed: number
  readonly labels: Readonly<Record<string, string>>
}
type Body = Readonly<Record<string, any>>

const leastBilledBytes = 10 * 2 ** 20

export class Jobs {
  private readonly store: Store
  private readonly evaluator: Evaluator
  private readonly jobs = new Map<string, Job>()
  private readonly requests = new Map<string, Promise<Job>>()
  private readonly pageBytes: number
  constructor(store: Store, evaluator: Evaluator, pageBytes: number) {
    this.store = store
    this.evaluator = evaluator
    this.pageBytes = pageBytes
  }

  /** jobs.query. A requestId that was seen is the same job. */
  async query(project: string, body: Body): Promise<object> {
    if (body.dryRun) return this.dryRun(project, body, body)
    const key = body.requestId === undefined ? randomUUID() : `${project} ${body.requestId}`
    const known = this.requests.get(key) ?? this.run(project, body, body)
    this.requests.set(key, known)
    known.catch(() => this.requests.delete(key))
    const job = await known
    return this.results(job, Number(body.maxResults ?? Number.MAX_SAFE_INTEGER), 0, wantsInt64(body))
  }
  /** jobs.insert of a query. */
  async insert(project: string, body: Body): Promise<object> {
    const query = body.configuration?.query
    if (!query) throw new RequestError(400, 'invalid', 'Only query jobs are supported')
    const named = { ...query, location: body.jobReference?.location, labels: body.configuration.labels }
    if (body.configuration.dryRun) return this.dryRun(project, named, body)
    const job = await this.run(project, named, body)
    return resourceOf(job)
  }
  get(project: string, id: string): object {
    return resourceOf(this.job(project, id))
  }
  /** getQueryResults. */
  page(project: string, id: string, query: URLSearchParams): object {
    const token = query.get('pageToken')
    const start = token === null ? Number(query.get('startIndex') ?? 0) : Number(token.slice(1))
    const limit = Number(query.get('maxResults') ?? Number.MAX_SAFE_INTEGER)
    return this.results(this.job(project, id), limit, start, query.get('formatOptions.useInt64Timestamp') === 'true')
  }
  private job(project: string, id: string): Job {
    const job = this.jobs.get(id)
    if (job?.project !== project) throw new RequestError(404, 'notFound', `Not found: Job ${project}:${id}`)
    return job
  }

  private async run(project: string, body: Body, request: Body): Promise<Job> {
    const { sql, tables } = await this.resolve(project, body)
    const processed = tables.reduce((sum, table) => sum + table.bytes, 0)
    const billed = tables.reduce((sum, table) => sum + Math.max(leastBilledBytes, table.bytes), 0)
    const most = Number(body.maximumBytesBilled ?? Number.POSITIVE_INFINITY)
    if (billed > most)
      throw new RequestError(
        400,
        'bytesBilledLimitExceeded',
        `Query exceeded limit for bytes billed: ${most}. ${billed} or higher required.`,
      )
    const { columns, rows } = await this.evaluate(sql, tables, parametersOf(body))
    const id: string = request.jobReference?.jobId ?? `job_${randomUUID()}`
    if (this.jobs.has(id)) throw new RequestError(409, 'duplicate', `Already Exists: Job ${project}:${id}`)
    const job: Job = {
      id,
      project,
      location: body.location ?? tables[0]?.location ?? 'US',
      fields: columns.map(({ name, type }, i) => resultField(name || `f${i}_`, type)),
      types: columns.map(({ type }) => type),
      rows,
      processed,
      billed,
      labels: body.labels ?? {},
    }
    this.jobs.set(id, job)
    return job
  }

  private async dryRun(project: string, body: Body, request: Body): Promise<object> {
    const { sql, tables } = await this.resolve(project, body)
    const empty = tables.map((table) => ({
      name: table.name,
      version: `${table.version} empty`,
      columns: table.columns,
      rows: [],
    }))
    const { columns } = await this.evaluate(sql, empty, parametersOf(body))
    const totalBytesProcessed = String(tables.reduce((sum, table) => sum + table.bytes, 0))
    const schema = { fields: columns.map(({ name, type }, i) => resultField(name || `f${i}_`, type)) }
    if (request.configuration === undefined) return { jobComplete: true, schema, totalBytesProcessed }
    return {
      kind: 'bigquery#job',
      jobReference: { projectId: project, location: body.location ?? 'US' },
      configuration: request.configuration,
      status: { state: 'DONE' },
      statistics: { totalBytesProcessed, query: { totalBytesProcessed, schema } },
    }
  }

  private async resolve(project: string, body: Body): Promise<{ sql: string; tables: StoredTable[] }> {
    if (body.useLegacySql !== false)
      throw new RequestError(400, 'invalid', 'Only GoogleSQL is supported (useLegacySql)')
    const sql = String(body.query)
    const found = new Map<string, StoredTable>()
    const named = await this.evaluator.tableNames(sql).catch((error: Error) => {
      throw invalidQuery(error)
    })
    for (const segments of named) {
      const whole = segments.join('.').split('.')
      if (whole.length === 1 && body.defaultDataset) whole.unshift(body.defaultDataset.datasetId)
      if (whole.length === 1)
        throw new RequestError(
          400,
          'invalid',
          `Table "${whole[0]}" must be qualified with a dataset (e.g. dataset.table).`,
        )
      const [table, dataset, ...rest] = whole.reverse() as [string, string, ...string[]]
      const owner = rest.length === 0 ? project : rest.reverse().join('.')
      found.set(segments.join('.'), this.store.table(owner, dataset, table))
    }
    const tables = [...new Set(found.values())]
    const wrong = tables.find((table) => body.location !== undefined && !sameLocation(table.location, body.location))
    if (wrong)
      throw new RequestError(
        404,
        'notFound',
        `Not found: Dataset ${wrong.project}:${wrong.dataset} was not found in location ${body.location}`,
      )
    return { sql: renameTables(sql, (segments) => found.get(segments.join('.'))?.name), tables }
  }

  private async evaluate(
    sql: string,
    tables: readonly { name: string; version: string; columns: StoredTable['columns']; rows: StoredTable['rows'] }[],
    parameters: readonly EvaluatedParameter[],
  ) {
    try {
      return await this.evaluator.query(sql, tables, parameters)
    } catch (error) {
      throw invalidQuery(error as Error)
    }
  }

  private results(job: Job, limit: number, start: number, int64Timestamps: boolean): object {
    const rows: object[] = []
    let bytes = 0
    while (start + rows.length < job.rows.length && rows.length < limit && bytes < this.pageBytes) {
      const cells = job.rows[start + rows.length]!
      const row = { f: job.types.map((type, i) => ({ v: toWire(type, cells[i] ?? {}, int64Timestamps) })) }
      bytes += JSON.stringify(row).length
      rows.push(row)
    }
    const next = start + rows.length
    return {
      kind: 'bigquery#queryResponse',
      jobComplete: true,
      jobReference: { projectId: job.project, jobId: job.id, location: job.location },
      schema: { fields: job.fields },
      totalRows: String(job.rows.length),
      totalBytesProcessed: String(job.processed),
      totalBytesBilled: String(job.billed),
      cacheHit: false,
      ...(rows.length > 0 ? { rows } : {}),
      ...(next < job.rows.length ? { pageToken: `p${next}` } : {}),
    }
  }
}

const wantsInt64 = (body: Body): boolean => body.formatOptions?.useInt64Timestamp === true
const sameLocation = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()
const invalidQuery = (error: Error) => new RequestError(400, 'invalidQuery', error.message)

function parametersOf(body: Body): EvaluatedParameter[] {
  return ((body.queryParameters ?? []) as Body[]).map((parameter) => {
    const { type: name, arrayType } = parameter.parameterType
    const type =
      name === 'ARRAY'
        ? zetaType({ name: '', type: arrayType.type, mode: 'REPEATED' })
        : zetaType({ name: '', type: name })
    const { value, arrayValues } = parameter.parameterValue
    return {
      name: parameter.name,
      type,
      value: toZeta(type, name === 'ARRAY' ? arrayValues?.map((v: Body) => v.value) : value),
    }
  })
}

function resourceOf(job: Job): object {
  return {
    kind: 'bigquery#job',
    id: `${job.project}:${job.location}.${job.id}`,
    jobReference: { projectId: job.project, jobId: job.id, location: job.location },
    configuration: { jobType: 'QUERY', query: { useLegacySql: false }, labels: job.labels },
    status: { state: 'DONE' },
    statistics: { totalBytesProcessed: String(job.processed), query: { totalBytesProcessed: String(job.processed) } },
  }
}
