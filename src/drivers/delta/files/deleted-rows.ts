/** What deletion vectors take out of data files, as one Parquet file that a scan leaves out of its rows: memory stays bounded however many they are. */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ReadContext } from '../../../core/operation.ts'
import type { Field } from '../../../core/types.ts'
import { type Engine, openEngine } from '../../../engine/engine.ts'
import { quoteString } from '../../../engine/sql-text.ts'
import type { Location } from '../location.ts'
import { deletedRows } from '../log/deletion-vector.ts'
import type { LiveFile } from '../log/replay.ts'

export interface DeletedRows extends AsyncDisposable {
  /** Columns `file` and `row`, as Scan.deleted has them; null when no file has a vector. */
  readonly path: string | null
  /** By place in the list of files; undefined for those without a vector. */
  readonly numbers: readonly (number | undefined)[]
}

const columns: readonly Field[] = [
  { name: 'file', type: { kind: 'Int32' }, nullable: false },
  // A number holds every row that deletedRows gives, and costs less than a bigint.
  { name: 'row', type: { kind: 'Float64' }, nullable: false },
]
/** Vectors that are read at once. */
const atOnce = 8
/** Rows that are handed to the engine at once. */
const batchRows = 100_000

/** `scratch`: an existing folder. Throws what deletedRows throws. */
export async function deletedRowsOf(
  { store, prefix }: Location,
  files: readonly LiveFile[],
  { scratch, signal }: { readonly scratch: string; readonly signal: ReadContext['signal'] },
): Promise<DeletedRows> {
  const numbers = files.map(({ deletionVector }, i) => (deletionVector === undefined ? undefined : i))
  const marked = numbers.filter((number) => number !== undefined)
  if (marked.length === 0) return { path: null, numbers, [Symbol.asyncDispose]: async () => {} }
  const folder = await mkdtemp(join(scratch, 'deleted-'))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    await using engine = await openEngine({ scratch, signal })
    await engine.append('deleted', { fields: columns, columns: [[], []], rows: 0 })
    for (let i = 0; i < marked.length; i += atOnce) {
      signal.throwIfAborted()
      const some = marked.slice(i, i + atOnce)
      const vectors = await Promise.all(
        some.map((number) => deletedRows(store, prefix, files[number]!.deletionVector!)),
      )
      for (const [k, rows] of vectors.entries()) await appendRows(engine, some[k]!, rows)
    }
    const path = join(folder, 'deleted.parquet')
    const select = 'SELECT file, row::BIGINT AS row FROM deleted'
    await engine.run(`COPY (${select}) TO ${quoteString(path)} (FORMAT parquet, COMPRESSION zstd)`)
    return { path, numbers, [Symbol.asyncDispose]: remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function appendRows(engine: Engine, file: number, rows: Uint32Array | readonly number[]): Promise<void> {
  for (let from = 0; from < rows.length; from += batchRows) {
    const some = Array.from(rows.slice(from, from + batchRows))
    await engine.append('deleted', { fields: columns, columns: [some.map(() => file), some], rows: some.length })
  }
}
