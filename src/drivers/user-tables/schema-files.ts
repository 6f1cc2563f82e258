/**
 * The seed's schema files: `<conf>/<namespace>/schemas/<table>/` with `schema_v1.json`, `manifest.json` and `current.json`, a copy and no link, so
 * that every system has it. They are for other programs to read; the hot store is what tblctl reads.
 */
import { basename, dirname } from 'node:path'
import { segmentsOf } from '../../core/ref.ts'
import { formatType } from '../../core/types.ts'
import { openLocalStore } from '../../storage/local.ts'
import { systemFields } from './definition.ts'
import { policyJson } from './flush-policy.ts'
import type { UserTable } from './table.ts'

export interface SchemaFiles {
  /** Writes them, again with the same result. */
  write(table: UserTable): Promise<void>
  remove(path: string): Promise<void>
}

export function openSchemaFiles(conf: string): SchemaFiles {
  const store = openLocalStore(dirname(conf))
  const folder = (path: string): string => {
    const { project, table } = segmentsOf(path)
    return `${basename(conf)}/${project}/schemas/${table}`
  }
  return {
    async write(table) {
      const { fields, flushPolicy, createdAt } = table
      const schema = json({
        fields: [...fields, ...systemFields].map(({ name, type, nullable }) => ({
          name,
          data_type: formatType(type),
          nullable,
        })),
        options: {
          table_type: 'USER',
          primary_key: table.primaryKey,
          ...(flushPolicy ? { flush_policy: policyJson(flushPolicy) } : {}),
        },
      })
      const manifest = json({
        current_version: 1,
        version_count: 1,
        current_version_created_at: createdAt,
        version_history: [{ version: 1, created_at: createdAt, description: 'Initial schema' }],
      })
      const at = folder(table.path)
      await store.put(`${at}/schema_v1.json`, schema)
      await store.put(`${at}/manifest.json`, manifest)
      await store.put(`${at}/current.json`, schema)
    },
    async remove(path) {
      const at = folder(path)
      await store.delete(['current.json', 'manifest.json', 'schema_v1.json'].map((name) => `${at}/${name}`))
    },
  }
}

const json = (value: object): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)
