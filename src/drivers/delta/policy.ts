/** The least that a Delta backend must be allowed: folders in words, buckets as an IAM policy. */
import { parseS3Url } from '../../storage/s3-place.ts'
import type { DeltaConfig } from './config.ts'

export function policy({ url, projects = {} }: DeltaConfig): string {
  return [...new Set([url, ...Object.values(projects).map((place) => place.url)])].map(policyOf).join('\n')
}

function policyOf(url: string): string {
  if (!url.startsWith('s3:')) return `read, write, link and rename below ${url.replace(/^file:/, '')}`
  const { bucket, prefix } = parseS3Url(url)
  const arn = `arn:aws:s3:::${bucket}`
  const Condition = prefix === '' ? {} : { Condition: { StringLike: { 's3:prefix': [`${prefix}*`] } } }
  const Statement = [
    { Effect: 'Allow', Action: ['s3:ListBucket'], Resource: [arn], ...Condition },
    {
      Effect: 'Allow',
      Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'],
      Resource: [`${arn}/${prefix}*`],
    },
  ]
  return JSON.stringify({ Version: '2012-10-17', Statement }, null, 2)
}
