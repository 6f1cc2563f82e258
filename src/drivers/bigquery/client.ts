/** Google's client, for endpoint, credentials and transport alone: its own decoding rounds integers and shifts times before 1970. */
import { createPrivateKey } from 'node:crypto'
import type { BigQuery, BigQueryOptions } from '@google-cloud/bigquery'
import { fail } from '../../core/errors.ts'
import type { Secret } from '../../settings/secret.ts'
import type { BigQueryConfig } from './config.ts'

/** One HTTP request below the project's URL. Rejects as the client does: `code` and `errors` of Google's answer, or of the connection. */
export type Send = (request: {
  readonly method: 'GET' | 'POST'
  readonly uri: string
  readonly qs?: Readonly<Record<string, string | number | boolean>>
  readonly json?: object
}) => Promise<unknown>

/** Nothing is asked of Google, and nobody signs in, before the first request. */
export async function connect(
  config: BigQueryConfig,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Send> {
  const { BigQuery } = await import('@google-cloud/bigquery')
  const base = baseUrl(config.apiEndpoint, env.BIGQUERY_EMULATOR_HOST)
  const options: BigQueryOptions = { projectId: config.projectId, autoRetry: false }
  // Credentials never go over plain http: what answers there is an emulator.
  if (base?.startsWith('http:')) options.authClient = nobody as NonNullable<BigQueryOptions['authClient']>
  else if (config.apiEndpoint) options.apiEndpoint = config.apiEndpoint
  const client: BigQuery = new BigQuery(options)
  // Said here and not by options: the client would read the variable of the process, which wins over everything.
  client.baseUrl = base ?? 'https://bigquery.googleapis.com/bigquery/v2'
  if (config.credentials && options.authClient === undefined) client.authClient.jsonContent = keyOf(config.credentials)
  return (request) =>
    new Promise((resolve, reject) => {
      client.request({ ...request, qs: { prettyPrint: false, ...request.qs } } as never, (error, body) =>
        error ? reject(error) : resolve(body),
      )
    })
}

/** The variable holds the URL to which `/projects/…` is added, with or without `http://`: so Google's client reads it. */
function baseUrl(endpoint: string | undefined, emulator: string | undefined): string | undefined {
  if (endpoint !== undefined) return `${endpoint}/bigquery/v2`
  if (emulator === undefined || emulator === '') return undefined
  return (/^https?:\/\//.test(emulator) ? emulator : `http://${emulator}`).replace(/\/+$/, '')
}

const nobody: unknown = { getRequestHeaders: async () => new Headers() }

function keyOf(credentials: Secret): NonNullable<BigQuery['authClient']['jsonContent']> {
  const bad = (why: string) =>
    fail('config', 'bad-credentials', `credentials (${credentials.reference}) ${why}`, {
      hint: 'the file of a service account key, as Google Cloud gives it',
    })
  let key: { readonly type?: unknown; readonly client_email?: unknown; readonly private_key?: unknown } | null
  try {
    key = JSON.parse(credentials.reveal())
  } catch {
    throw bad('hold no JSON')
  }
  if (typeof key !== 'object' || key === null) throw bad('hold no key')
  // Other kinds of credentials (a user's, a federation's) have no private key of their own.
  if (key.type !== undefined && key.type !== 'service_account') return key as ReturnType<typeof keyOf>
  if (typeof key.client_email !== 'string') throw bad('name no client_email')
  try {
    createPrivateKey(String(key.private_key))
  } catch {
    throw bad('have a private_key that cannot be read')
  }
  return key as ReturnType<typeof keyOf>
}
