/** The same nested value under other names: structs, and structs in lists and maps, field by field in their order. */
import type { DataType } from '../core/types.ts'
import { quoteIdentifier, quoteString } from './sql-text.ts'
import { sqlType } from './types.ts'

/** `expression` itself where the names are the same. `from` and `to` differ in the names of fields and in nothing else. */
export function renameSql(expression: string, from: DataType, to: DataType): string {
  const names = namesSql(from, to)
  return names.differ ? `remap_struct(${expression}, NULL::${sqlType(to)}, ${names.sql}, NULL)` : expression
}

interface Names {
  readonly differ: boolean
  /** Null for a type without fields. */
  readonly sql: string | null
}

/** What the engine's remap_struct takes: new name → old name, or → (old name, the same of the nested one). */
function namesSql(from: DataType, to: DataType): Names {
  if (from.kind === 'Struct' && to.kind === 'Struct')
    return joined(
      to.fields.map(({ name, type }, i) => [name, from.fields[i]!.name, namesSql(from.fields[i]!.type, type)]),
    )
  if (from.kind === 'List' && to.kind === 'List') return within([['list', namesSql(from.item, to.item)]])
  if (from.kind === 'Map' && to.kind === 'Map')
    return within([
      ['key', namesSql(from.key, to.key)],
      ['value', namesSql(from.value, to.value)],
    ])
  return { differ: false, sql: null }
}

function joined(members: readonly (readonly [name: string, old: string, nested: Names])[]): Names {
  const texts = members.map(([name, old, { sql }]) => {
    const text = quoteString(old)
    return `${quoteIdentifier(name)}: ${sql === null ? text : `(${text}, ${sql})`}`
  })
  return {
    differ: members.some(([name, old, nested]) => name !== old || nested.differ),
    sql: `{${texts.join(', ')}}`,
  }
}

/** Elements, keys and values keep their names; without fields below there is nothing to say. */
function within(parts: readonly (readonly [name: string, nested: Names])[]): Names {
  if (parts.every(([, { sql }]) => sql === null)) return { differ: false, sql: null }
  return joined(parts.map(([name, nested]) => [name, name, nested]))
}
