/** A tenant as people see it: one line of a list. */
import type { TenantItem } from '../../../api/tenants.ts'
import { formatBytes } from '../../../core/units.ts'
import type { Column } from '../../output/view.ts'

export const tenantColumns: readonly Column<TenantItem>[] = [
  { name: 'ref', value: (item) => item.ref },
  { name: 'id', value: (item) => item.id, format: idText },
  { name: 'set', value: (item) => item.schemaSet },
  { name: 'state', value: (item) => item.state },
  { name: 'tables', align: 'right', value: (item) => item.tables },
  { name: 'rows', align: 'right', value: (item) => item.rows },
  { name: 'bytes', align: 'right', value: (item) => item.bytes, format: (bytes: number) => formatBytes(bytes) },
  { name: 'retention', value: (item) => retentionText(item.retention) },
]

/** A text that begins or ends with a blank, or is nothing else, would look like another one. */
export function idText(id: string): string {
  return id.trim() === id && id !== '' ? id : JSON.stringify(id)
}

/** One value where all tables agree. */
export function retentionText(retention: TenantItem['retention']): string {
  const values = [...new Set(Object.values(retention).map((value) => value ?? 'none'))]
  return values.length === 1 ? values[0]! : values.sort().join(', ')
}
