/** Does every property of a table that tblctl goes by have a value that it can have? */
import { errorView } from '../../../core/errors.ts'
import { checkpointInterval, deletedFileRetentionMs, logRetentionMs, targetFileSize } from '../log/properties.ts'
import type { DeltaTable } from '../table.ts'
import { type Problem, problemOf } from './files.ts'

const getters = [checkpointInterval, deletedFileRetentionMs, logRetentionMs, targetFileSize]

export function checkProperties({ snapshot }: DeltaTable): readonly Problem[] {
  return getters.flatMap((get) => {
    try {
      get(snapshot.metadata.configuration)
      return []
    } catch (error) {
      const { code, message } = errorView(error)
      if (code !== 'bad-property') throw error
      return [problemOf('bad-property', null, message)]
    }
  })
}
