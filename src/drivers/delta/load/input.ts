/** The input of a load as the table wants it: checked against its columns, from where the batch goes on, cut into chunks. */

import { segmentsOf } from '../../../core/ref.ts'
import type { Engine } from '../../../engine/engine.ts'
import type { Chunk } from '../../../engine/ingest/chunk.ts'
import { openInput } from '../../../engine/ingest/input.ts'
import type { Lake } from '../table.ts'
import type { Columns } from './chunk.ts'
import type { LoadContext } from './progress.ts'

/** `skip`: rows of the batch that the table has. */
export async function openChunks(
  lake: Lake,
  engine: Engine,
  columns: Columns,
  skip: number,
  ctx: LoadContext,
): Promise<AsyncGenerator<Chunk>> {
  const { options } = ctx
  return openInput({
    inputs: options.inputs,
    ...(ctx.input ? { stream: ctx.input } : {}),
    schema: { ...columns, timeColumn: await timeColumnOf(lake, columns, ctx), emptyIsNull: emptyIsNull(columns) },
    project: segmentsOf(ctx.subject.path).project,
    skip,
    batchId: options.batchId,
    limits: { rows: options.commitRows, bytes: options.commitBytes, milliseconds: options.commitMs },
    rejectTo: options.rejectTo,
    engine,
    signal: ctx.signal,
  })
}

/** Standard input is gone once it was read. */
export const isRepeatable = ({ options }: LoadContext): boolean => options.inputs.every(({ path }) => path !== null)

/** Delta PROTOCOL, "Partition Value Serialization": an empty text is a null. */
const emptyIsNull = ({ fields, partitions }: Columns): readonly string[] =>
  fields.filter(({ name, type }) => partitions.includes(name) && type.kind === 'Utf8').map(({ name }) => name)

/** The time column that `date` follows from: as the table says, else its schema; another one has only the usual name. */
async function timeColumnOf(lake: Lake, { fields, timeColumn }: Columns, ctx: LoadContext): Promise<string | null> {
  const name = ctx.subject.spec?.schema ?? null
  const declared = name === null ? null : await lake.environment.schema(name).catch(() => null)
  const column = timeColumn ?? (declared ? declared.timeColumn : 'timestamp')
  return fields.some((field) => field.name === column) ? column : null
}
