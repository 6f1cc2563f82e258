import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import type { Cell, Rows } from '../../../src/core/batch.ts'
import { type ErrorView, errorView } from '../../../src/core/errors.ts'
import { type DataType, type Field, parseType } from '../../../src/core/types.ts'
import { type Engine, openEngine } from '../../../src/engine/engine.ts'

/** One engine and one folder for the tests of a file. */
export function useEngine(): {
  engine: Engine
  folder: string
  file(name: string, content: string | Uint8Array): Promise<string>
} {
  const held = {} as {
    engine: Engine
    folder: string
    file: (name: string, content: string | Uint8Array) => Promise<string>
  }
  beforeAll(async () => {
    held.folder = await mkdtemp(join(tmpdir(), 'tblctl-engine-'))
    held.engine = await openEngine({ scratch: join(held.folder, 'scratch') })
  })
  afterAll(async () => {
    await held.engine[Symbol.asyncDispose]()
    await rm(held.folder, { recursive: true, force: true })
  })
  held.file = async (name, content) => {
    const path = join(held.folder, name)
    await writeFile(path, content)
    return path
  }
  return held
}

export const field = (name: string, type: string | DataType, nullable = true): Field => ({
  name,
  type: typeof type === 'string' ? parseType(type) : type,
  nullable,
})

/** All rows of a stream, row by row. */
export async function rowsOf(rows: Rows): Promise<Cell[][]> {
  await using held = rows
  const all: Cell[][] = []
  for await (const batch of held.batches)
    for (let r = 0; r < batch.rows; r++) all.push(batch.columns.map((column) => column[r]!))
  return all
}

/** The error that a promise ends in, as a person is told it. */
export async function errorOf(work: Promise<unknown> | (() => Promise<unknown>)): Promise<ErrorView> {
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (error) {
    return errorView(error)
  }
  throw new Error('it did not fail')
}
