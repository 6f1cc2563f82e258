import { createHash } from 'node:crypto'
import { afterAll } from 'vitest'
import { BigQueryFront } from '../servers/bigquery-front.ts'
import { driverContract } from './driver.ts'

const front = await BigQueryFront.start()
afterAll(() => front[Symbol.asyncDispose]())

/** Each world has a project of its own. */
const projectOf = (folder: string): string => `w${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`

await driverContract({
  kind: 'bigquery',
  verbs: ['register', 'unregister', 'sync.source'],
  backend: `{ driver: bigquery, projectId: p, apiEndpoint: "${front.endpoint}" }`,
  outside: {
    backend: (folder) => `{ driver: bigquery, projectId: ${projectOf(folder)}, apiEndpoint: "${front.endpoint}" }`,
    copy: async (from, to) => {
      front.store.deleteProject(projectOf(to))
      for (const dataset of front.store.datasets(projectOf(from)).values()) {
        front.store.createDataset(projectOf(to), dataset.id, dataset.location)
        for (const table of dataset.tables.values())
          front.store.createTable(projectOf(to), dataset.id, table.id, table.resource).replace(table.rows)
      }
    },
    remove: async (folder) => front.store.deleteProject(projectOf(folder)),
    fingerprint: async (folder) =>
      Object.fromEntries(
        [...front.store.datasets(projectOf(folder)).values()].flatMap(({ id, tables }) =>
          [...tables.values()].map((table) => [`${id}.${table.id}`, JSON.stringify([table.resource, table.rows])]),
        ),
      ),
  },
  survives: true,
  cancelledCreate: 'gone',
  makeOutside: async (folder, dataset, table) => {
    const project = projectOf(folder)
    if (!front.store.datasets(project).has(dataset)) front.store.createDataset(project, dataset, 'EU')
    const fields = [
      { name: 'id', type: 'INTEGER', mode: 'REQUIRED' },
      { name: 'note', type: 'STRING', mode: 'NULLABLE' },
    ]
    front.store.createTable(project, dataset, table, { schema: { fields } })
  },
})
