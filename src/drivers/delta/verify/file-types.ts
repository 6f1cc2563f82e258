/** Can the columns of a data file be read as what the table says they are? Widened as Delta widens types (PROTOCOL, "Type Widening"). */
import { printable } from '../../../core/ref.ts'
import { type DataType, type Field, formatType } from '../../../core/types.ts'
import type { ResultColumn } from '../../../engine/engine.ts'
import { physicalFields } from '../log/column-mapping.ts'
import { type DeltaTable, storedFields } from '../table.ts'

/** By its name in the files. Empty where files may call their columns anything (column mapping by id). */
export function declaredColumns({ snapshot }: DeltaTable): ReadonlyMap<string, DataType> {
  if (snapshot.mapping?.mode === 'id') return new Map()
  const { partitionColumns } = snapshot.metadata
  const stored = storedFields(snapshot).filter(({ name }) => !partitionColumns.includes(name))
  return new Map(physicalFields(snapshot.mapping, stored).map(({ name, type }) => [name, type]))
}

/** In words, by column; `names`: how people call them. */
export function wrongTypes(
  columns: readonly ResultColumn[],
  declared: ReadonlyMap<string, DataType>,
  names: ReadonlyMap<string, string>,
): readonly string[] {
  return columns.flatMap(({ name, type, engineType }) => {
    const wanted = declared.get(name)
    if (wanted === undefined || (type !== null && isReadableAs(type, wanted))) return []
    const shown = printable(names.get(name) ?? name)
    const found = type === null ? engineType : formatType(type)
    return [`${shown} is ${formatType(wanted)} in the table, and ${found} in the file`]
  })
}

/** Parquet stores all of them in 32 bits, and not every writer says how many are meant. */
const small: readonly string[] = ['Int8', 'Int16', 'Int32', 'UInt8', 'UInt16']
/** Text is bytes: old writers do not say that it is text. */
const texts: readonly string[] = ['Utf8', 'Json', 'Binary']
/** Decimal digits of the greatest values. */
const smallDigits = 10
const longDigits = 19

function isReadableAs(file: DataType, column: DataType): boolean {
  switch (column.kind) {
    case 'Decimal128': {
      const whole = column.precision - column.scale
      if (file.kind === 'Decimal128') return file.scale <= column.scale && file.precision - file.scale <= whole
      return small.includes(file.kind) ? whole >= smallDigits : file.kind === 'Int64' && whole >= longDigits
    }
    case 'Timestamp':
      // Units and zones are told in ways that changed over time; they are instants or wall-clock times by the table.
      return file.kind === 'Timestamp' || (file.kind === 'Date32' && column.zone === null)
    case 'List':
      return file.kind === 'List' && isReadableAs(file.item, column.item)
    case 'Map':
      return file.kind === 'Map' && isReadableAs(file.key, column.key) && isReadableAs(file.value, column.value)
    case 'Struct':
      return file.kind === 'Struct' && areReadableAs(file.fields, column.fields)
    case 'Int64':
      return file.kind === 'Int64' || file.kind === 'UInt32' || small.includes(file.kind)
    case 'Float64':
      return file.kind === 'Float64' || file.kind === 'Float32' || small.includes(file.kind)
    default:
      if (small.includes(column.kind)) return small.includes(file.kind)
      return texts.includes(column.kind) ? texts.includes(file.kind) : file.kind === column.kind
  }
}

/** A member that the file lacks is null. */
const areReadableAs = (file: readonly Field[], column: readonly Field[]): boolean =>
  column.every(({ name, type }) => {
    const found = file.find((field) => field.name === name)
    return found === undefined || isReadableAs(found.type, type)
  })
