/** One sync as the engine takes it: units settled, names resolved. The check of what the config, a stored job or a program hands in. */
import { z } from 'zod'

const name = z.string().min(1).max(1024)
const rows = z.number().int().positive()
const milliseconds = z.number().int().min(0)

export const syncSpec = z.strictObject({
  id: name,
  source: z.strictObject({
    backend: name,
    dataset: name,
    table: name,
    timestampColumn: name,
    columns: z.array(name).min(1).nullable(),
    key: z.array(name).min(1).nullable(),
    appendOnly: z.boolean(),
  }),
  /** Path of the target table: `shop/default/users`. */
  target: name,
  /** Rows of a page, by phase. */
  batchRows: z.strictObject({ initial: rows, catchup: rows, steady: rows }),
  /** A lag above these seconds is the phase `initial`, and `catchup`. */
  thresholds: z.strictObject({ catchup: z.number().positive(), steady: z.number().positive() }),
  /** Every pass begins this far before the newest row that is there; null = the usual 5 minutes, where rows can be read twice. */
  lookbackMs: milliseconds.nullable(),
  /** Every pass ends this far before the source's clock; null = not at all, or the usual minute where rows are read once. */
  lagMs: milliseconds.nullable(),
  nullTimestamps: z.enum(['sync', 'skip', 'fail']),
  /** Exact text: rows before it are left out; null = none are. */
  startTimestamp: z.string().nullable(),
  retry: z.strictObject({
    attempts: z.number().int().min(0),
    initialMs: milliseconds,
    multiplier: z.number().positive(),
  }),
})
export type SyncSpec = z.infer<typeof syncSpec>
