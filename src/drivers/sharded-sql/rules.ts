/** What the nodes ask of a value beyond its column type, checked where the rows are read: a row that breaks a rule is told by file and line. */
import type { DataType } from '../../core/types.ts'
import type { ColumnRule } from '../../engine/ingest/derive.ts'
import type { Column } from './topology.ts'
import { longestText } from './types.ts'

export const rulesOf = (columns: readonly Column[]): ColumnRule[] =>
  columns.flatMap((column) => {
    if (column.type.kind === 'Utf8') return [column.domain === 'uuid' ? uuidRule(column) : textRule(column)]
    return column.type.kind === 'Timestamp' && column.type.unit !== 'Nanosecond' ? [timeRule(column)] : []
  })

const uuidPattern = '[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}'

function uuidRule({ name }: Column): ColumnRule {
  const reason = 'is not a UUID'
  const pattern = new RegExp(`^${uuidPattern}$`)
  return {
    column: name,
    problem: (text) => (pattern.test(text) ? null : reason),
    violated: (own) => ({ condition: `NOT regexp_full_match(${own}::VARCHAR, '${uuidPattern}')`, reason }),
  }
}

/** PostgreSQL stores no U+0000, and would cut spaces that are too many. Both engines count code points. */
function textRule(column: Column): ColumnRule {
  const most = longestText(column)
  const nul = 'holds U+0000, which SQL nodes cannot store'
  const long = `has more than ${most} characters`
  return {
    column: column.name,
    problem: (text) =>
      text.includes('\0') ? nul : most !== null && text.length > most && [...text].length > most ? long : null,
    violated: (own) =>
      most === null
        ? { condition: `contains(${own}, chr(0))`, reason: nul }
        : { condition: `contains(${own}, chr(0)) OR length(${own}) > ${most}`, reason: `${long}, or ${nul}` },
  }
}

/** A time with more digits than the column keeps would come back as another one. */
function timeRule({ name }: Column): ColumnRule {
  const reason = 'has digits below the microsecond, which the column cannot keep'
  return {
    column: name,
    problem: (text) => (/\.\d{6}0*[1-9]/.test(text) ? reason : null),
    violated: (own, type: DataType) =>
      type.kind === 'Timestamp' && type.unit === 'Nanosecond'
        ? { condition: `isfinite(${own}) AND epoch_ns(${own}) % 1000 <> 0`, reason }
        : null,
  }
}
