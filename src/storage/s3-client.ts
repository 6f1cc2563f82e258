/** A connection to an S3 service: its clients, opened on first use. The SDK is loaded then, and not before. */
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3'

export interface S3Options {
  /** Any S3-compatible service; default: Amazon's, or what the SDK's own settings name. */
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
  /** `http://host/bucket/key` in place of `http://bucket.host/key`. */
  readonly forcePathStyle?: boolean | undefined
  /** Default: the SDK's own chain (AWS_ACCESS_KEY_ID, shared files, instance roles). */
  readonly credentials?: S3Credentials | undefined
}
export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

type Sdk = typeof import('@aws-sdk/client-s3')
export interface S3Clients {
  readonly sdk: Sdk
  readonly client: S3Client
  /** Sends a request once: for conditional writes, whose retries are ours (s3-put-if-absent.ts). */
  readonly once: S3Client
}

export interface S3Connection extends AsyncDisposable {
  /** How messages call the service. */
  readonly name: string
  open(): Promise<S3Clients>
  /** By bucket: the check that the service honours conditions (s3-condition.ts), made once for a process. */
  readonly conditions: Map<string, Promise<void>>
}

const connectMs = 5_000
const answerMs = 60_000

export function openS3Connection(options: S3Options): S3Connection {
  let opened: Promise<S3Clients> | undefined
  return {
    name: options.endpoint ?? 'Amazon S3',
    conditions: new Map(),
    open: () => (opened ??= openClients(options)),
    async [Symbol.asyncDispose]() {
      const clients = await opened?.catch(() => undefined)
      clients?.once.destroy()
      clients?.client.destroy()
    },
  }
}

async function openClients({ endpoint, region, forcePathStyle, credentials }: S3Options): Promise<S3Clients> {
  const sdk = await import('@aws-sdk/client-s3')
  const config: S3ClientConfig = {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(forcePathStyle === undefined ? {} : { forcePathStyle }),
    // Services other than Amazon's do not all know the newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  }
  const client = new sdk.S3Client({
    ...config,
    ...(credentials === undefined ? {} : { credentials: keysOf(credentials) }),
    maxAttempts: 4,
    requestHandler: { connectionTimeout: connectMs, requestTimeout: answerMs, throwOnRequestTimeout: true },
  })
  const { requestHandler, credentials: resolved } = client.config
  const once = new sdk.S3Client({ ...config, credentials: resolved, requestHandler, maxAttempts: 1 })
  return { sdk, client, once }
}

function keysOf({ accessKeyId, secretAccessKey, sessionToken }: S3Credentials) {
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
}
