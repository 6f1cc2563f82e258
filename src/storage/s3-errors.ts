/** Errors of the SDK and of S3 services, in words that a user can act on. Nothing that a service says in its own words is repeated: it may hold keys. */
import { fail, TblctlError } from '../core/errors.ts'
import { printable } from '../core/ref.ts'
import type { S3Connection } from './s3-client.ts'

interface Thrown {
  readonly name?: string
  readonly Code?: string
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** The service's own code (`NoSuchBucket`), or the system's (`ECONNREFUSED`). */
export function codeOf(error: unknown): string {
  const { name, Code, code } = (error ?? {}) as Thrown
  return Code ?? (isSystemError(error) ? code : name) ?? 'Error'
}
export const statusOf = (error: unknown): number | undefined => (error as Thrown | undefined)?.$metadata?.httpStatusCode

/** No such object; without a body (HEAD) also no such bucket. */
export const isAbsent = (error: unknown): boolean => statusOf(error) === 404 && codeOf(error) !== 'NoSuchBucket'

const badKeys = ['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken', 'InvalidToken', 'TokenRefreshRequired']
const wrongRegion = ['PermanentRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException']

/** No answer, or one that says that the service itself failed: the request was carried out, or it was not. */
export function isDoubtful(error: unknown): boolean {
  const status = statusOf(error)
  if (status !== undefined) return status >= 500 || (status >= 200 && status < 300)
  return isSystemError(error) || ['TimeoutError', 'RequestTimeout'].includes(codeOf(error))
}
/** Of the network, TLS and the resolver: no service has answered. */
function isSystemError(error: unknown): boolean {
  const code = (error as Thrown | undefined)?.code
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code) && statusOf(error) === undefined
}

export interface S3Where {
  readonly connection: S3Connection
  readonly bucket: string
  /** As the service sees it; absent for the bucket. */
  readonly key?: string
}

/** An answer of success that is no XML. */
const isNoS3 = (error: unknown): boolean =>
  statusOf(error) === 200 && error instanceof Error && error.message.includes('XML parse error')

/**
 * Something answers, in another protocol: a web server, a proxy's page, the console of the service. Every answer of S3 about an object
 * has an ETag, and every listing says whether it is whole.
 */
export const noS3 = ({ connection, bucket }: S3Where): Error =>
  fail('unreachable', 'no-s3-service', `what answers at ${connection.name} is no S3 service`, {
    where: `s3://${bucket}`,
    hint: "check the backend's endpoint",
  })

/** `doing` completes "cannot …". */
export function s3Error(error: unknown, doing: string, { connection, bucket, key }: S3Where): unknown {
  if (error instanceof TblctlError) return error
  const code = codeOf(error)
  // Broken off by us: why, those know who did it.
  if (code === 'AbortError') return error
  const status = statusOf(error)
  const url = printable(key === undefined ? `s3://${bucket}` : `s3://${bucket}/${key}`)
  const where = `${url} at ${connection.name}`
  const message = `cannot ${doing} ${url}`
  const told = `${printable(code)}${status === undefined ? '' : `, HTTP ${status}`}`
  if (code === 'NoSuchBucket')
    return fail('missing', 'no-such-bucket', `${message}: there is no bucket ${printable(bucket)}`, {
      where,
      hint: 'make the bucket, or check its name and the endpoint',
      cause: error,
    })
  if (code === 'CredentialsProviderError')
    return fail('denied', 'no-credentials', `${message}: there are no credentials`, {
      where,
      hint: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or credentials of the backend in tblctl.yaml',
      cause: error,
    })
  if (badKeys.includes(code))
    return fail('denied', 'bad-credentials', `${message}: the credentials are not valid (${told})`, {
      where,
      hint: 'check the keys of this backend, and that they have not expired',
      cause: error,
    })
  if (code === 'RequestTimeTooSkewed')
    return fail('denied', 'clock-skewed', `${message}: the clocks differ too much (${told})`, {
      where,
      hint: 'set the clock of this machine',
      cause: error,
    })
  if (wrongRegion.includes(code) || status === 301)
    return fail('config', 'wrong-region', `${message}: the bucket is in another region (${told})`, {
      where,
      hint: "set the backend's region to the bucket's",
      cause: error,
    })
  if (status === 401 || status === 403)
    return fail('denied', 'storage-denied', `${message}: it is forbidden (${told})`, {
      where,
      hint: 'tblctl doctor --print-policy prints what these keys must be allowed',
      cause: error,
    })
  if (isNoS3(error)) return noS3({ connection, bucket })
  if (isDoubtful(error) || code === 'SlowDown' || status === 429)
    return fail(
      'unreachable',
      'storage-unreachable',
      `${message}: ${status === undefined ? `no answer from ${connection.name}` : 'the service fails'} (${told})`,
      {
        where: status === undefined ? url : where,
        hint: 'check the endpoint and the network, then run the same command again',
        retry: 'later',
        cause: error,
      },
    )
  if (/^region is missing/i.test(error instanceof Error ? error.message : ''))
    return fail('config', 'no-region', `${message}: no region is set`, {
      where,
      hint: 'set region of the backend in tblctl.yaml, or AWS_REGION',
      cause: error,
    })
  if (status === undefined) return error
  return fail('failed', 'storage-failed', `${message}: ${told}`, { where, cause: error })
}
