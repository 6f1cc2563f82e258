/** The section `sync:` of tblctl.yaml: which table of which source goes into which target, checked against the backends. */
import { z } from 'zod'
import type { DriverModule } from '../core/driver.ts'
import { TblctlError } from '../core/errors.ts'
import { microsOf } from '../core/exact-time.ts'
import { parseRef, printable, tablePath } from '../core/ref.ts'
import { didYouMean } from '../core/suggest.ts'
import { parseDuration } from '../core/units.ts'
import type { CheckedBackend } from './backends.ts'
import { isMap, nameOf } from './layers.ts'
import type { Problem } from './problems.ts'
import type { YamlDocument } from './yaml.ts'

/** One sync, units settled: what the engine of syncs takes. */
export interface SyncConfig {
  readonly id: string
  readonly source: {
    readonly backend: string
    readonly dataset: string
    readonly table: string
    readonly timestampColumn: string
    readonly columns: readonly string[] | null
    readonly key: readonly string[] | null
    readonly appendOnly: boolean
  }
  /** Path of the target table. */
  readonly target: string
  readonly batchRows: { readonly initial: number; readonly catchup: number; readonly steady: number }
  /** Seconds. */
  readonly thresholds: { readonly catchup: number; readonly steady: number }
  readonly lookbackMs: number | null
  /** Null: none, or a minute where rows are read once. */
  readonly lagMs: number | null
  readonly nullTimestamps: 'sync' | 'skip' | 'fail'
  readonly startTimestamp: string | null
  readonly retry: { readonly attempts: number; readonly initialMs: number; readonly multiplier: number }
}

/** The defaults of Harper's own sync, which its users know. */
export const syncDefaults = {
  batchRows: { initial: 10_000, catchup: 1000, steady: 500 },
  thresholds: { catchup: 3600, steady: 300 },
  retry: { attempts: 5, initialMs: 1000, multiplier: 2 },
} as const

const name = z.string().min(1)
const rows = z.number().int().positive()
const duration = z.string().superRefine((text, ctx) => {
  try {
    parseDuration(text)
  } catch (error) {
    ctx.addIssue({ code: 'custom', message: (error as Error).message })
  }
})
const syncId = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/, 'the id of a sync is made of letters, digits, "_", "." and "-"')

const syncShape = z
  .strictObject({
    source: name.describe('Backend that the rows come from'),
    dataset: name.describe('Dataset of the source table'),
    table: name.describe('Source table'),
    timestampColumn: name.describe('A modification time; a creation time where rows never change (appendOnly)'),
    columns: z.array(name).min(1).optional().describe('Columns to sync; time column and key always are. Default: all'),
    key: z.array(name).min(1).optional().describe("Columns that tell rows apart. Default: the source's primary key"),
    appendOnly: z.boolean().optional().describe('true: rows of the source are never updated'),
    target: name.describe('Ref of the target table, with its backend: shop:default/orders'),
    batchRows: z
      .strictObject({
        initial: rows.optional().describe('Far behind (10000)'),
        catchup: rows.optional().describe('Behind (1000)'),
        steady: rows.optional().describe('Near the end (500)'),
      })
      .optional()
      .describe('Rows of a page, by phase'),
    thresholds: z
      .strictObject({
        catchup: duration.optional().describe('A lag above it is the phase initial (1h)'),
        steady: duration.optional().describe('A lag above it is the phase catchup (5m)'),
      })
      .optional()
      .describe('Which lag is which phase'),
    lookback: duration
      .optional()
      .describe('Each run reads again from this long before the newest row that it has, for rows that come late (5m)'),
    lag: duration
      .optional()
      .describe(
        "Rows younger than this, by the source's clock, are left to a later run (0s; 1m where rows are read once)",
      ),
    nullTimestamps: z
      .enum(['sync', 'skip', 'fail'])
      .optional()
      .describe('Rows without a time: sync them, skip them, or fail when there are any (sync)'),
    startTimestamp: z
      .string()
      .refine((text) => microsOf(text) !== null, 'it is no time such as 2026-01-02T03:04:05Z')
      .optional()
      .describe('Rows before this time are left out'),
    retry: z
      .strictObject({
        attempts: z.number().int().min(0).optional().describe('How often (5)'),
        initialDelay: duration.optional().describe('Pause before the first (1s)'),
        multiplier: z.number().positive().optional().describe('Each pause is this much longer than the one before (2)'),
      })
      .optional()
      .describe('An end that cannot be reached is tried again'),
  })
  .describe('One sync')

export const syncSection = z
  .record(syncId, syncShape)
  .optional()
  .describe('Syncs by id: tables that follow tables of a source (`tblctl sync`)')

interface Ends {
  /** Names that the file has, whatever is wrong with them. */
  readonly written: ReadonlySet<string>
  readonly backends: ReadonlyMap<string, CheckedBackend>
  load(kind: string): Promise<DriverModule>
}

/** Every sync of the file, or what is wrong with it beyond its shape. */
export async function checkSyncs(
  document: YamlDocument,
  { backends, load }: Omit<Ends, 'written'>,
): Promise<{ syncs: ReadonlyMap<string, SyncConfig>; problems: readonly Problem[] }> {
  const syncs = new Map<string, SyncConfig>()
  const problems: Problem[] = []
  const targets = new Map<string, string>()
  const { backends: named, sync: written } = document.value
  const ends = { backends, load, written: new Set(isMap(named) ? Object.keys(named) : []) }
  for (const [id, raw] of isMap(written) ? Object.entries(written) : []) {
    const shape = syncShape.safeParse(raw)
    if (!shape.success) continue // the shape of the file says what is wrong with it
    const wrong = (key: string, message: string) =>
      problems.push({
        message: `${nameOf(['sync', id, key])}: ${message}`,
        at: document.offset(['sync', id, key], 'value'),
      })
    const source = await problemOfEnd(shape.data.source, 'sync.source', ends)
    if (source !== null) wrong('source', source)
    const target = targetOf(shape.data.target)
    if ('problem' in target) wrong('target', target.problem)
    else {
      const unable = await problemOfEnd(target.backend, 'sync.target', ends)
      if (unable !== null) wrong('target', unable)
      const other = targets.get(target.path)
      if (other !== undefined)
        wrong('target', `it is the target of sync ${other} already; each sync needs a table of its own`)
      targets.set(target.path, id)
      syncs.set(id, settled(id, shape.data, target.path))
    }
  }
  return { syncs, problems }
}

async function problemOfEnd(
  backend: string,
  verb: 'sync.source' | 'sync.target',
  { backends, written, load }: Ends,
): Promise<string | null> {
  const there = backends.get(backend)
  if (there === undefined && written.has(backend)) return null // what is wrong with it is told at its own place
  if (there === undefined) {
    const near = didYouMean(backend, [...backends.keys()])
    return `there is no backend "${printable(backend)}"${near === undefined ? '' : `; did you mean "${near}"?`}`
  }
  if ((await load(there.driver)).can.includes(verb)) return null
  return `backend ${backend} (${there.driver}) cannot be the ${verb.slice(5)} of a sync`
}

function targetOf(text: string): { readonly path: string; readonly backend: string } | { readonly problem: string } {
  try {
    const { backend, project, table } = parseRef(text)
    if (backend === null) return { problem: `it does not say which backend: BACKEND:${printable(text)}` }
    return { path: tablePath(backend, project, table), backend }
  } catch (thrown) {
    if (!(thrown instanceof TblctlError)) throw thrown
    return { problem: thrown.view.message }
  }
}

function settled(id: string, sync: z.infer<typeof syncShape>, target: string): SyncConfig {
  const { batchRows, thresholds, retry } = syncDefaults
  const ms = (text: string | undefined, usual: number): number => (text === undefined ? usual : parseDuration(text))
  return {
    id,
    source: {
      backend: sync.source,
      dataset: sync.dataset,
      table: sync.table,
      timestampColumn: sync.timestampColumn,
      columns: sync.columns ?? null,
      key: sync.key ?? null,
      appendOnly: sync.appendOnly ?? false,
    },
    target,
    batchRows: {
      initial: sync.batchRows?.initial ?? batchRows.initial,
      catchup: sync.batchRows?.catchup ?? batchRows.catchup,
      steady: sync.batchRows?.steady ?? batchRows.steady,
    },
    thresholds: {
      catchup: ms(sync.thresholds?.catchup, thresholds.catchup * 1000) / 1000,
      steady: ms(sync.thresholds?.steady, thresholds.steady * 1000) / 1000,
    },
    lookbackMs: sync.lookback === undefined ? null : parseDuration(sync.lookback),
    lagMs: sync.lag === undefined ? null : parseDuration(sync.lag),
    nullTimestamps: sync.nullTimestamps ?? 'sync',
    startTimestamp: sync.startTimestamp ?? null,
    retry: {
      attempts: sync.retry?.attempts ?? retry.attempts,
      initialMs: ms(sync.retry?.initialDelay, retry.initialMs),
      multiplier: sync.retry?.multiplier ?? retry.multiplier,
    },
  }
}
