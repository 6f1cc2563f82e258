/** Opens the object stores of a backend: the local disk, or S3 with one connection for each service and set of keys. */
import type { DriverEnvironment } from '../../core/driver.ts'
import { openLocalStore } from '../../storage/local.ts'
import { openS3Store } from '../../storage/s3.ts'
import { openS3Connection, type S3Connection, type S3Options } from '../../storage/s3-client.ts'
import { noSilence, type Silence } from '../../storage/s3-patience.ts'
import type { DeltaPlace } from './config.ts'
import type { OpenStore } from './location.ts'

/** `environment.env`: what the SDK's own tools obey (AWS_REGION, AWS_ENDPOINT_URL_S3). */
export function openStores(environment: DriverEnvironment): AsyncDisposable & { readonly open: OpenStore } {
  const connections = new Map<string, S3Connection>()
  const silences = new Map<string, Silence>()
  const connect = (place: DeltaPlace): S3Connection => {
    const key = JSON.stringify({ ...place, url: undefined })
    const options = optionsOf(place, environment)
    const service = options.endpoint ?? `Amazon S3 ${options.region}`
    const silence = silences.get(service) ?? noSilence()
    silences.set(service, silence)
    const connection = connections.get(key) ?? openS3Connection({ ...options, silence })
    connections.set(key, connection)
    return connection
  }
  return {
    open: (root, place) => (root.startsWith('s3:') ? openS3Store(root, connect(place)) : openLocalStore(root)),
    async [Symbol.asyncDispose]() {
      for (const connection of connections.values()) await connection[Symbol.asyncDispose]()
    },
  }
}

function optionsOf(
  { endpoint, region, forcePathStyle, credentials }: DeltaPlace,
  { env, signal, remark }: DriverEnvironment,
): S3Options {
  const at = endpoint ?? env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL
  return {
    endpoint: at,
    // Services other than Amazon's have no regions, but their requests are signed with one.
    region: region ?? env.AWS_REGION ?? (at === undefined ? undefined : 'us-east-1'),
    forcePathStyle,
    credentials: credentials && {
      accessKeyId: credentials.accessKeyId.reveal(),
      secretAccessKey: credentials.secretAccessKey.reveal(),
      sessionToken: credentials.sessionToken?.reveal(),
    },
    signal,
    remark,
  }
}
