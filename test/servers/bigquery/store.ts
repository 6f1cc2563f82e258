/** Datasets and tables of every project: in memory, with the metadata that tables.get tells. */
import { RequestError } from './errors.ts'
import { type Column, type Field, sizeOf, toZeta, type ZetaCell, zetaType } from './values.ts'

interface StoredDataset {
  readonly id: string
  readonly location: string
  readonly tables: Map<string, StoredTable>
}

/** A table resource as tables.insert took it, and its rows. */
export class StoredTable {
  readonly project: string
  readonly dataset: string
  readonly id: string
  readonly location: string
  readonly creationTime: number
  /** Set by a test that wants to look at what a source does while rows are still in the streaming buffer. */
  streamingBuffer: { readonly oldestEntryTime: string; readonly estimatedRows: string } | null = null
  lastModifiedTime: number
  resource: Readonly<Record<string, any>>
  rows: readonly (readonly ZetaCell[])[] = []
  private changes = 0
  private readonly incarnation: number
  private readonly insertIds = new Set<string>()
  private static incarnations = 0

  constructor(project: string, dataset: StoredDataset, id: string, resource: Readonly<Record<string, any>>) {
    this.project = project
    this.dataset = dataset.id
    this.id = id
    this.location = dataset.location
    this.resource = resource
    this.creationTime = Date.now()
    this.lastModifiedTime = this.creationTime
    this.incarnation = ++StoredTable.incarnations
    for (const column of this.fields) zetaType(column)
  }
  get name(): string {
    return `${this.project}.${this.dataset}.${this.id}`
  }
  get version(): string {
    return `${this.incarnation}.${this.changes}`
  }
  get fields(): readonly Field[] {
    return this.resource.schema?.fields ?? []
  }
  get columns(): readonly Column[] {
    return this.fields.map((column) => ({ name: column.name, type: zetaType(column) }))
  }
  get bytes(): number {
    const { columns } = this
    return this.rows.reduce((sum, row) => sum + row.reduce((n, cell, i) => n + sizeOf(columns[i]!.type, cell), 0), 0)
  }

  /** All of them or none: throws for a row that does not fit, naming the column. A known insertId is passed over. */
  append(rows: readonly { readonly json: Readonly<Record<string, unknown>>; readonly insertId?: string }[]): void {
    const fresh = rows.filter(({ insertId }) => insertId === undefined || !this.insertIds.has(insertId))
    const made = fresh.map(({ json }) => this.row(json))
    for (const { insertId } of fresh) if (insertId !== undefined) this.insertIds.add(insertId)
    this.replace([...this.rows, ...made])
  }
  row(json: Readonly<Record<string, unknown>>): ZetaCell[] {
    const known = new Map(Object.entries(json).map(([name, value]) => [name.toLowerCase(), value]))
    const cells = this.fields.map((column) => {
      const value = known.get(column.name.toLowerCase())
      known.delete(column.name.toLowerCase())
      if ((value === null || value === undefined) && column.mode === 'REQUIRED')
        throw new Error(`Missing required field: ${column.name}.`)
      return toZeta(zetaType(column), value)
    })
    for (const name of known.keys()) throw new Error(`no such field: ${name}.`)
    return cells
  }
  /** What DML would leave. */
  replace(rows: readonly (readonly ZetaCell[])[]): void {
    this.rows = rows
    this.touch()
  }
  /** Columns may be added, dropped and relaxed; the rows follow. */
  patch(resource: Readonly<Record<string, any>>): void {
    const before = this.fields
    this.resource = { ...this.resource, ...resource }
    const at = this.fields.map((column) => before.findIndex(({ name }) => name === column.name))
    this.replace(this.rows.map((row) => at.map((i) => row[i] ?? {})))
  }
  private touch(): void {
    this.changes++
    this.lastModifiedTime = Date.now()
  }

  describe(): object {
    return {
      kind: 'bigquery#table',
      ...this.resource,
      etag: `${this.version}==`,
      id: `${this.project}:${this.dataset}.${this.id}`,
      tableReference: { projectId: this.project, datasetId: this.dataset, tableId: this.id },
      type: 'TABLE',
      location: this.location,
      creationTime: String(this.creationTime),
      lastModifiedTime: String(this.lastModifiedTime),
      numRows: String(this.rows.length),
      numBytes: String(this.bytes),
      ...(this.streamingBuffer ? { streamingBuffer: this.streamingBuffer } : {}),
    }
  }
}

export class Store {
  private readonly projects = new Map<string, Map<string, StoredDataset>>()

  datasets(project: string): ReadonlyMap<string, StoredDataset> {
    return this.projects.get(project) ?? new Map()
  }
  createDataset(project: string, id: string, location: string): StoredDataset {
    const datasets = this.projects.get(project) ?? new Map<string, StoredDataset>()
    if (datasets.has(id)) throw new RequestError(409, 'duplicate', `Already Exists: Dataset ${project}:${id}`)
    const dataset: StoredDataset = { id, location, tables: new Map() }
    this.projects.set(project, datasets.set(id, dataset))
    return dataset
  }
  deleteDataset(project: string, id: string): void {
    this.dataset(project, id)
    this.projects.get(project)!.delete(id)
  }
  deleteProject(project: string): void {
    this.projects.delete(project)
  }
  dataset(project: string, id: string): StoredDataset {
    const dataset = this.datasets(project).get(id)
    if (!dataset) throw new RequestError(404, 'notFound', `Not found: Dataset ${project}:${id}`)
    return dataset
  }
  createTable(project: string, datasetId: string, id: string, resource: Readonly<Record<string, any>>): StoredTable {
    const dataset = this.dataset(project, datasetId)
    if (dataset.tables.has(id))
      throw new RequestError(409, 'duplicate', `Already Exists: Table ${project}:${datasetId}.${id}`)
    const table = new StoredTable(project, dataset, id, resource)
    dataset.tables.set(id, table)
    return table
  }
  deleteTable(project: string, datasetId: string, id: string): void {
    this.table(project, datasetId, id)
    this.dataset(project, datasetId).tables.delete(id)
  }
  table(project: string, datasetId: string, id: string): StoredTable {
    const table = this.dataset(project, datasetId).tables.get(id)
    if (!table) throw new RequestError(404, 'notFound', `Not found: Table ${project}:${datasetId}.${id}`)
    return table
  }
}
