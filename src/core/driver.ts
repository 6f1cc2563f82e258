/**
 * THE PORT, second half: a driver is the code for one kind of backend. Presence in `can` is the declaration: `tblctl drivers`
 * prints Object.keys(driver.can), and what is absent is refused in one place with the list of drivers that can.
 */
import type { RowFormat, Rows } from './batch.ts'
import type { Json, JsonObject } from './json.ts'
import type { AnyOperation, ReadContext, Subject } from './operation.ts'
import type { Path } from './ref.ts'
import type { SyncSource, SyncTarget } from './sync.ts'
import type { TableDefinition } from './table-definition.ts'
import type { TableSchema } from './table-schema.ts'
import type { Field } from './types.ts'

/** One row of a listing: enough for list, discover, drift, policies and due times; one call per backend where it can list. */
export interface Observed {
  readonly path: Path
  readonly location: string | null
  /** Changes when the table does; equal markers = nothing to open. */
  readonly marker: string | null
  readonly schemaHash: string | null
  /** Cheap facts (files, bytes, rows, lag); null when unknown. */
  readonly facts: Readonly<Record<string, number | string | null>>
}

export interface TableDescription {
  readonly status: JsonObject
  readonly schema: { readonly fields: readonly Field[]; readonly partitions: readonly string[] }
  /** What only this driver knows (protocol, properties). */
  readonly details: JsonObject
}

/** Unknown is null, and then `unknown` says why, by the name of the field. */
export interface TableStatistics {
  readonly status: JsonObject
  readonly unknown: Readonly<Record<string, string>>
}

/** One line of `tblctl doctor`. `fix` says what to do about a failed check. */
export interface Check {
  readonly check: string
  readonly ok: boolean
  readonly detail: string
  readonly fix?: string
}

export interface LoadOptions {
  /** In this order; paths are absolute. Standard input is one entry whose path is null; its bytes are `RunContext.input`. */
  readonly inputs: readonly { readonly path: string | null; readonly format: RowFormat }[]
  /** Names the input: the same batch is loaded into a table once, however often it is asked for and killed. */
  readonly batchId: string
  /** A commit whenever one of these is reached; null = at the end. */
  readonly commitRows: number | null
  readonly commitBytes: number | null
  readonly commitMs: number | null
  /** Rows that do not fit are written here with the reason and the load goes on. */
  readonly rejectTo: string | null
  /** Whose rows they are, where rows belong to users (`Traits.users`); any text. */
  readonly as: string | null
}

/** An earlier state of a table. `timestamp`: what was the newest version then, RFC 3339. */
export type PointInTime = { readonly version: number } | { readonly timestamp: string }

/** How a load meets the rows that are there; drivers that know only `append` have no such option. */
export interface LoadMode {
  /** `merge`: a row replaces the one of its key. `overwrite`: the rows take the place of all others. Default `append`. */
  readonly mode?: 'append' | 'merge' | 'overwrite'
  /** Columns that name a row, for `merge`. */
  readonly key?: readonly string[]
}

/** How optimize lays rows out; each only where the driver has it. */
export interface LayoutOptions {
  /** A condition on partition columns: only those partitions. */
  readonly where?: string | null
  /** Columns that rows are ordered by, one of both. */
  readonly sort?: readonly string[]
  readonly zorder?: readonly string[]
  /** Bytes that the whole process may take. */
  readonly memory?: number | null
}

export interface ColumnChange {
  readonly addColumns?: readonly {
    readonly name: string
    readonly type: string
    readonly description?: string | null
  }[]
  readonly renameColumns?: readonly { readonly from: string; readonly to: string }[]
  readonly dropColumns?: readonly string[]
  readonly set?: Readonly<Record<string, string>>
  readonly unset?: readonly string[]
  /** Adds what the table lacks of this table schema; what else differs is refused by name. */
  readonly toSchema?: string | null
}

/** Which files vacuum removes, and, with `expired`, rows that are older than the table's retention. */
export interface FileVacuumOptions {
  /** Files that no version inside this time names; null = as the table's own property says. */
  readonly retainMs?: number | null
  /** `full` lists the folder; `lite` reads the log alone. */
  readonly mode?: 'full' | 'lite'
  /** `retainMs` may be less than the table's property allows. */
  readonly belowFloor?: boolean
  readonly expired?: boolean
  /** With `expired`: rows inside of partitions too, which rewrites their files. */
  readonly byRows?: boolean
}

/** A table that was dropped and can be brought back. Unknown is null. */
export interface DroppedTable {
  readonly path: Path
  /** Tells it from others of its name. */
  readonly id: string
  readonly location: string
  readonly version: number | null
  readonly rows: number | null
  readonly schema: string | null
  readonly labels: Readonly<Record<string, string>>
  readonly droppedAt: string
  /** From then on it may be gone for good at any time. */
  readonly until: string
}

/** One change of a table, newest first in a history. Unknown is null. */
export interface HistoryEntry {
  readonly version: number
  readonly timestamp: string | null
  readonly operation: string | null
  readonly parameters: JsonObject
  readonly metrics: JsonObject
  readonly engine: string | null
  /** Of tblctl, where it made the change. */
  readonly run: string | null
  readonly job: string | null
}

/** What verify found. `problems` is empty when the table is as its log says. */
export interface Verification {
  /** What was looked at, with figures: files, bytes, rows. */
  readonly checked: JsonObject
  readonly problems: readonly {
    /** `missing-file`, `unnamed-file`, `wrong-size`, … */
    readonly problem: string
    readonly path: string | null
    readonly detail: string
    /** False: `--repair` cannot mend it. */
    readonly repairable: boolean
  }[]
  /** Problems of a kind that does no harm and is not in the exit code (`unnamed-file`). */
  readonly remarks: readonly string[]
}

/** One of `schema` and `definition`. What a driver does not know is refused by it (verbs/create.ts). */
export interface CreateOptions {
  /** Name of a table schema. */
  readonly schema: string | null
  readonly definition: TableDefinition | null
  readonly location: string | null
  readonly labels: Readonly<Record<string, string>>
  /** What only some drivers know: `shards`, `shardKey`, `flushPolicy`. */
  readonly settings: Readonly<Record<string, Json>>
}

export interface QueryOptions {
  /** Who asks, where rows belong to users: that user's rows are all there is. */
  readonly as: string | null
  /** Null: as it is now. Only where `Traits.travel`. */
  readonly at: PointInTime | null
}

export interface ExportOptions {
  readonly format: RowFormat
  readonly out: string
}

/** A project of a backend that keeps tenants apart. Unknown is null. */
export interface Tenant {
  readonly project: string
  /** As it was given: any text. */
  readonly id: string
  readonly schemaSet: string | null
  readonly tables: number
  readonly rows: number | null
  readonly bytes: number | null
  /** `whole`, or what is missing. */
  readonly state: string
  /** By table; null = kept for ever. */
  readonly retention: Readonly<Record<string, string | null>>
}

/** Verbs by name; dotted ones are verbs on a project or a backend. */
export interface Capabilities {
  readonly register?: AnyOperation<{
    location: string | null
    labels: Readonly<Record<string, string>>
    /** Name of the table schema that it is created from when it is not there; only `projectTable` says so. */
    orCreate?: string | null
    /** Makes a table of a folder of Parquet files, in place. */
    convert?: boolean
  }>
  readonly unregister?: AnyOperation<object>
  readonly create?: AnyOperation<CreateOptions>
  /** `retention`: a duration, or `none` for ever. `applyNow`: rows that are too old go at once, and not when the backend comes to it. */
  readonly alter?: AnyOperation<{ retention?: string | null; applyNow?: boolean } & ColumnChange>
  readonly drop?: AnyOperation<object>
  /** On a name: the newest table of it that was dropped, or the one with this id. */
  readonly undrop?: AnyOperation<{ id: string | null }>
  readonly trash?: { list(ctx: ReadContext): AsyncIterable<DroppedTable> }
  readonly load?: AnyOperation<LoadOptions & LoadMode>
  /** Rows that a condition holds for. */
  readonly delete?: AnyOperation<{ where: string }>
  /** The table as it was; one of both. */
  readonly restore?: AnyOperation<{ version: number | null; timestamp: string | null }>
  /** One INSERT, UPDATE or DELETE on rows of a user. */
  readonly mutate?: AnyOperation<{ statement: string; as: string | null }>
  /** `as`: of this user alone. */
  readonly flush?: AnyOperation<{ as: string | null }>
  readonly optimize?: AnyOperation<{ targetSize: number | null } & LayoutOptions>
  readonly vacuum?: AnyOperation<FileVacuumOptions>
  /** Mends what `verify` found and can be mended. */
  readonly repair?: AnyOperation<object>
  readonly reshard?: AnyOperation<{ shards: number; waitForSwitch?: boolean | undefined }>
  /** On a project: all objects of a set of table schemas. `id`: the tenant as it was given; null = the project's own name. */
  readonly 'tenant.create'?: AnyOperation<{ schemaSet: string; id: string | null; retention: string | null }>
  readonly 'tenant.delete'?: AnyOperation<object>
  readonly 'tenant.retention'?: AnyOperation<{ retention: string; applyNow: boolean }>
  readonly 'tenant.list'?: { list(ctx: ReadContext): AsyncIterable<Tenant> }
  readonly 'tenant.describe'?: {
    /** Throws `missing` when the backend has no such tenant. */
    describe(tenant: Subject, ctx: ReadContext): Promise<Tenant & { readonly objects: readonly JsonObject[] }>
  }
  readonly query?: {
    /** One read-only SELECT; the tables are visible as `t`, or by the names given. Refuses everything else before it runs. */
    query(
      tables: readonly { name: string; table: Subject }[],
      sql: string,
      options: QueryOptions,
      ctx: ReadContext,
    ): Promise<Rows>
  }
  readonly history?: {
    /** Newest first. */
    history(table: Subject, options: { readonly limit: number | null }, ctx: ReadContext): AsyncIterable<HistoryEntry>
  }
  readonly verify?: {
    /** `data`: the files themselves are read, and not only looked for. */
    verify(table: Subject, options: { readonly data: boolean }, ctx: ReadContext): Promise<Verification>
  }
  readonly export?: {
    /** Writes one file, whole or not at all. */
    export(
      table: Subject,
      options: ExportOptions & QueryOptions,
      ctx: ReadContext,
    ): Promise<{ rows: number; bytes: number }>
  }
  readonly 'sync.source'?: SyncSource
  readonly 'sync.target'?: SyncTarget
}
export type Verb = keyof Capabilities
/** Verbs that change something: those that are operations. */
export type OperationVerb = {
  [V in Verb]: NonNullable<Capabilities[V]> extends AnyOperation ? V : never
}[Verb]

/** Facts that are not methods. */
export interface Traits {
  /** Runs with no server. */
  readonly embedded: boolean
  /** False: built against recorded facts, never run against the real thing; shown to users. */
  readonly verified: boolean
  /** Rows belong to users: reading and writing them says who by `as`. Elsewhere `as` is refused. */
  readonly users: boolean
  /** Earlier states can be read: `--version` and `--timestamp` of describe, query and export. Elsewhere they are refused. */
  readonly travel: boolean
}

export interface Driver extends AsyncDisposable {
  readonly kind: string
  readonly can: Capabilities
  /** What `register PROJECT/` means: this table of the project, created from this table schema when it is not there. */
  readonly projectTable?: { readonly table: string; readonly schema: string }
  /** Reachable, credentials, permissions on a probe, clock, versions. Never throws for what it checks. */
  ping(ctx: ReadContext): Promise<readonly Check[]>
  /** Every table that the backend holds, registered or not. Parts that cannot be read hide no others: all failures come last, as an AggregateError. */
  scan(filter: { readonly project?: string }, ctx: ReadContext): AsyncIterable<Observed>
  /** `at`: null or absent = as it is now. */
  describe(table: Subject, ctx: ReadContext, at?: PointInTime | null): Promise<TableDescription>
  stats(table: Subject, options: { readonly exact: boolean }, ctx: ReadContext): Promise<TableStatistics>
}

/** What the house gives a driver when it opens one. */
export interface DriverEnvironment {
  /** Relative paths in the config count from here (the folder of tblctl.yaml). */
  readonly directory: string
  /** Variables that a field's own tools obey (`BIGQUERY_EMULATOR_HOST`); never for secrets of ours, which are references in the config. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** For files that may be lost at any time; the driver makes and removes its own folder below. */
  scratch(): Promise<string>
  /** Hard, as in ReadContext: for connections that outlive a single call. */
  readonly signal?: AbortSignal
  /** Says to the user what is not about one call: that a service is waited for. */
  readonly remark?: (message: string) => void
  /** `--lock-timeout`, for locks that only the backend knows; default 0 = try once. */
  readonly lockTimeoutMs?: number
  schema(name: string): Promise<TableSchema>
  /** Where every registered table lies, and every dropped one, of all backends: what works on one table's files keeps out of the others'. */
  registered(): Promise<readonly { readonly path: Path; readonly location: string }[]>
}

/** What a driver package exports. `config` loads without the SDK; `open` connects on first use. */
export interface DriverModule<C extends object = any> {
  readonly kind: string
  readonly config: { parse(raw: unknown): C }
  readonly traits: Traits
  /** `names`: `--location` is a name in the backend (`database.table`), left as it is typed; else a path or a URL. */
  readonly locations?: 'names'
  /** Keys of `Driver.can`; the contract suite checks that they are the same. */
  readonly can: readonly Verb[]
  /** Table schemas in this driver's own notation, for `schema export --format NAME`. */
  readonly schemaFormats?: Readonly<Record<string, (schema: TableSchema) => Promise<string>>>
  /** A config that works on one machine: `init` offers it. */
  readonly example: C
  open(backend: string, config: C, environment: DriverEnvironment): Promise<Driver>
  /** The least that the backend must allow, in its own words (an IAM policy, GRANTs): `tblctl doctor --print-policy`. */
  policy(config: C): string
}
