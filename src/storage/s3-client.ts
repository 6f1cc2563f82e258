/** A connection to an S3 service: its clients, opened on first use. The SDK is loaded then, and not before. */
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3'
import { addPatience, attempts, noSilence, type Patience, type Silence, usualPatience } from './s3-patience.ts'

export interface S3Options {
  /** Any S3-compatible service; default: Amazon's, or what the SDK's own settings name. */
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
  /** `http://host/bucket/key` in place of `http://bucket.host/key`. */
  readonly forcePathStyle?: boolean | undefined
  /** Default: the SDK's own chain (AWS_ACCESS_KEY_ID, shared files, instance roles). */
  readonly credentials?: S3Credentials | undefined
  /** Breaks off every request. */
  readonly signal?: AbortSignal | undefined
  /** Hears of long waits. */
  readonly remark?: ((message: string) => void) | undefined
  readonly patience?: Patience | undefined
  /** Shared by connections to one service: what one has found out, the others need not. */
  readonly silence?: Silence | undefined
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
  readonly patience: Patience
  open(): Promise<S3Clients>
  /** By bucket: the check that the service honours conditions (s3-condition.ts), made once for a process. */
  readonly conditions: Map<string, Promise<void>>
}

export function openS3Connection(options: S3Options): S3Connection {
  let opened: Promise<S3Clients> | undefined
  const { endpoint: name = 'Amazon S3', patience = usualPatience } = options
  const closed = new AbortController()
  const signal = AbortSignal.any([closed.signal, ...(options.signal ? [options.signal] : [])])
  return {
    name,
    patience,
    conditions: new Map(),
    open: () => (opened ??= openClients(name, { ...options, patience, signal })),
    async [Symbol.asyncDispose]() {
      closed.abort()
      const clients = await opened?.catch(() => undefined)
      clients?.once.destroy()
      clients?.client.destroy()
    },
  }
}

async function openClients(
  name: string,
  {
    endpoint,
    region,
    forcePathStyle,
    credentials,
    signal,
    remark,
    patience,
    silence = noSilence(),
  }: S3Options & { readonly patience: Patience },
): Promise<S3Clients> {
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
    maxAttempts: attempts,
    requestHandler: { connectionTimeout: patience.connectMs, socketTimeout: patience.answerMs },
  })
  const { requestHandler, credentials: resolved } = client.config
  const handle = requestHandler.handle.bind(requestHandler)
  requestHandler.handle = (request, how) => handle(request, { ...how, ...(signal ? { abortSignal: signal } : {}) })
  const once = new sdk.S3Client({ ...config, credentials: resolved, requestHandler, maxAttempts: 1 })
  const waiting = () => remark?.(`${name} does not answer yet; waiting`)
  addPatience(client, silence, patience, { tries: attempts, remark: waiting })
  addPatience(once, silence, patience, { tries: 1, remark: waiting })
  return { sdk, client, once }
}

function keysOf({ accessKeyId, secretAccessKey, sessionToken }: S3Credentials) {
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
}
