/** BigQuery tables as the source of a sync. */
import type { DriverModule } from '../../core/driver.ts'
import { type BigQueryConfig, bigqueryConfig } from './config.ts'

export const driver: DriverModule<BigQueryConfig> = {
  kind: 'bigquery',
  config: bigqueryConfig,
  traits: { embedded: false, verified: false, users: false, travel: false },
  can: ['register', 'unregister', 'sync.source'],
  example: { projectId: 'acme', apiEndpoint: 'http://127.0.0.1:9050' },
  open: async (backend, settings, environment) =>
    (await import('./driver.ts')).openBigQueryDriver(backend, settings, environment),
  policy: ({ projectId }) =>
    `roles/bigquery.jobUser and roles/bigquery.dataViewer on project ${projectId} (bigquery.jobs.create, bigquery.datasets.get, bigquery.tables.get, bigquery.tables.getData, bigquery.tables.list)`,
}
