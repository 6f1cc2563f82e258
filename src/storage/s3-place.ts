/** Where a store lies in S3: `s3://bucket/prefix`, and its keys as the service sees them. */
import { fail } from '../core/errors.ts'
import { printable } from '../core/ref.ts'
import { checkFolder, checkKey } from './keys.ts'

export interface S3Place {
  readonly bucket: string
  /** Prefix of every key, with its trailing slash; '' when the bucket is the root. */
  readonly prefix: string
  /** `s3://bucket/prefix`, without a trailing slash. */
  readonly url: string
}

/** Amazon's rules for names of buckets, and upper case and underscores, which other services know. */
const bucketName = /^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/

/** The prefix is taken as it is written: nothing in it is percent-decoded. Throws `config`/`bad-location`. */
export function parseS3Url(url: string): S3Place {
  const match = /^s3:\/\/([^/]*)(?:\/(.*?))?\/*$/is.exec(url)
  const bucket = match?.[1] ?? ''
  const path = match?.[2] ?? ''
  if (!bucketName.test(bucket)) throw badLocation(url, 'names no bucket')
  try {
    checkFolder(path)
  } catch (cause) {
    throw badLocation(url, 'has a path that no object can have', cause)
  }
  return path === ''
    ? { bucket, prefix: '', url: `s3://${bucket}` }
    : { bucket, prefix: `${path}/`, url: `s3://${bucket}/${path}` }
}

export const objectKey = ({ prefix }: S3Place, key: string): string => prefix + checkKey(key)

/** What the keys of everything below the folder begin with. */
export function folderPrefix({ prefix }: S3Place, folder: string): string {
  const key = checkFolder(folder)
  return key === '' ? prefix : `${prefix}${key}/`
}

const badLocation = (url: string, why: string, cause?: unknown): Error =>
  fail('config', 'bad-location', `"${printable(url)}" ${why}`, { hint: 'write s3://bucket/path', cause })
