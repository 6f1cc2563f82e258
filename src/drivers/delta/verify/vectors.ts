/** Deletion vectors whose file cannot even be named: the rest of the table is looked at without them. */
import { errorView } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { DeletionVector } from '../log/actions.ts'
import { deletionVectorPath } from '../log/deletion-vector.ts'
import type { DeltaTable } from '../table.ts'
import { type Problem, problemOf } from './files.ts'

/** `table`: as it was, without those vectors; its files keep their keys. */
export function withoutLostVectors(table: DeltaTable): {
  readonly table: DeltaTable
  readonly problems: readonly Problem[]
} {
  const { location, snapshot } = table
  const problems: Problem[] = []
  const lost = (vector: DeletionVector | undefined): string | null => {
    if (vector === undefined) return null
    try {
      deletionVectorPath(location.store, location.prefix, vector)
      return null
    } catch (error) {
      const { code, message, where } = errorView(error)
      if (code !== 'corrupt-deletion-vector') throw error
      return where === undefined ? message : `${message}: ${printable(where)}`
    }
  }
  const files = new Map(snapshot.files)
  for (const [key, file] of files) {
    const why = lost(file.deletionVector)
    if (why === null) continue
    problems.push(problemOf('corrupt-deletion-vector', file.path, why))
    const { deletionVector: _lost, ...rest } = file
    files.set(key, rest)
  }
  const tombstones = snapshot.tombstones && new Map(snapshot.tombstones)
  for (const [key, remove] of tombstones ?? []) {
    if (lost(remove.deletionVector) === null) continue
    const { deletionVector: _lost, ...rest } = remove
    tombstones!.set(key, rest)
  }
  return { table: { location, snapshot: { ...snapshot, files, tombstones } }, problems }
}
