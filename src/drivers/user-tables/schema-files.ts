/**
 * The seed's schema files: `<conf>/<namespace>/schemas/<table>/` with `schema_v1.json`, `manifest.json` and `current.json`, a copy and no link, so
 * that every system has it. They are for other programs to read; the hot store is what tblctl reads. The manifest names its hot store:
 * files of another one are neither replaced nor removed.
 */
import { rmdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fail } from '../../core/errors.ts'
import { printable, refOfPath, segmentsOf } from '../../core/ref.ts'
import { formatType } from '../../core/types.ts'
import { openLocalStore } from '../../storage/local.ts'
import { systemFields } from './definition.ts'
import { policyJson } from './flush-policy.ts'
import type { HotStore } from './store.ts'
import type { UserTable } from './table.ts'

export interface SchemaFiles {
  /** Throws `foreign-schema-files` when those of another table lie there. */
  requireOwn(path: string): Promise<void>
  /** Writes them, again with the same result. */
  write(table: UserTable): Promise<void>
  remove(path: string): Promise<void>
  /** Absolute path of the folder of all of them. */
  readonly conf: string
  /** Refs of the tables whose files are of another hot store, among the first `most`. */
  foreign(most: number): Promise<string[]>
}

export function openSchemaFiles(conf: string, hot: HotStore): SchemaFiles {
  const store = openLocalStore(dirname(conf))
  const folder = (path: string): string => {
    const { project, table } = segmentsOf(path)
    return `${basename(conf)}/${project}/schemas/${table}`
  }
  /** Null: they are ours, or there are none. */
  async function foreignRef(at: string): Promise<string | null> {
    const bytes = await store.read(`${at}/manifest.json`)
    if (bytes === undefined) return null
    const { store: id, ref } = parsed(bytes)
    return id === undefined || id === hot.id() ? null : String(ref)
  }
  async function requireOwn(path: string): Promise<void> {
    const at = folder(path)
    const ref = await foreignRef(at)
    if (ref === null) return
    throw fail('refused', 'foreign-schema-files', `the schema files are of ${printable(ref)} in another hot store`, {
      where: printable(join(dirname(conf), at)),
      hint: 'name another folder as "conf" in tblctl.yaml, or, if that hot store is lost, move them away',
    })
  }
  return {
    conf,
    requireOwn,
    async foreign(most) {
      const refs: string[] = []
      let seen = 0
      for await (const project of store.folders(basename(conf)))
        for await (const table of store.folders(`${basename(conf)}/${project}/schemas`)) {
          if (seen++ === most) return refs
          const ref = await foreignRef(`${basename(conf)}/${project}/schemas/${table}`)
          if (ref !== null) refs.push(ref)
        }
      return refs
    },
    async write(table) {
      await requireOwn(table.path)
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
        store: hot.id(),
        ref: refOfPath(table.path),
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
      if ((await foreignRef(at)) !== null) return
      await store.delete(['current.json', 'manifest.json', 'schema_v1.json'].map((name) => `${at}/${name}`))
      for (const empty of [at, dirname(at), dirname(dirname(at))])
        await rmdir(join(dirname(conf), empty)).catch(() => undefined) // something else lies there
    },
  }
}

const json = (value: object): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)

/** What cannot be read says nothing. */
function parsed(bytes: Uint8Array): { readonly store?: string; readonly ref?: string } {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as { store?: string; ref?: string }
  } catch {
    return {}
  }
}
