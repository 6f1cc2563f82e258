import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { HarperServer, password, username } from '../servers/harper.ts'
import { driverContract } from './driver.ts'

const harper = await HarperServer.start()
const secrets = mkdtempSync(join(tmpdir(), 'tblctl-harper-password-'))
writeFileSync(join(secrets, 'password'), password)
afterAll(async () => {
  await harper[Symbol.asyncDispose]()
  rmSync(secrets, { recursive: true })
})

/** Each world has a database of its own. */
const databaseOf = (folder: string): string => `w${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`
const backendOf = (database: string): string =>
  `{ driver: harper, url: "${harper.url}", username: ${username}, password: "file:${secrets}/password", database: ${database} }`

interface Dumped {
  readonly hash_attribute: string
  readonly attributes: readonly { readonly attribute: string; readonly type?: string }[]
}
const dump = async (database: string): Promise<[string, Dumped, Record<string, unknown>[]][]> => {
  const tables: Record<string, Dumped> = await harper
    .call({ operation: 'describe_database', database })
    .catch(() => ({}))
  return Promise.all(
    Object.entries(tables).map(async ([table, described]) => {
      const all = { search_attribute: described.hash_attribute, search_value: '*', get_attributes: ['*'] }
      return [table, described, await harper.call({ operation: 'search_by_value', database, table, ...all })]
    }),
  )
}
const remove = (database: string) => harper.call({ operation: 'drop_database', database }).catch(() => {})

await driverContract({
  kind: 'harper',
  verbs: ['register', 'unregister', 'create', 'sync.target'],
  backend: backendOf('data'),
  outside: {
    backend: (folder) => backendOf(databaseOf(folder)),
    copy: async (from, to) => {
      const database = databaseOf(to)
      await remove(database)
      for (const [table, { hash_attribute, attributes }, records] of await dump(databaseOf(from))) {
        await harper.call({ operation: 'create_database', database }).catch(() => {})
        const typed = attributes.map(({ attribute, type }) => ({ name: attribute, ...(type ? { type } : {}) }))
        await harper.call({
          operation: 'create_table',
          database,
          table,
          primary_key: hash_attribute,
          attributes: typed,
        })
        if (records.length > 0) await harper.call({ operation: 'upsert', database, table, records })
      }
    },
    remove: async (folder) => void (await remove(databaseOf(folder))),
    fingerprint: async (folder) =>
      Object.fromEntries(
        (await dump(databaseOf(folder))).map(([table, { attributes }, records]) => [
          table,
          JSON.stringify([attributes, records]),
        ]),
      ),
  },
  survives: true,
  cancelledCreate: 'empty',
  makeOutside: async (folder, project, table) => {
    const database = databaseOf(folder)
    await harper.call({ operation: 'create_database', database }).catch(() => {})
    const attributes = [
      { name: 'id', type: 'Long' },
      { name: 'note', type: 'String' },
    ]
    await harper.call({
      operation: 'create_table',
      database,
      table: `${project}:${table}`,
      primary_key: 'id',
      attributes,
    })
  },
})
