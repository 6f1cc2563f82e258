/** What tblctl.yaml says of a Delta backend: where its tables lie, and where those of single projects do. */
import { z } from 'zod'
import { secret } from '../../settings/secret-field.ts'

/** Given only with an s3: url: elsewhere they would mean nothing. */
const s3Only = ['endpoint', 'region', 'forcePathStyle', 'credentials'] as const

const credentials = z.strictObject({
  accessKeyId: secret('Access key'),
  secretAccessKey: secret('Secret key'),
  sessionToken: secret('Session token of temporary keys').optional(),
})

const place = (url: string) => ({
  url: z
    .string()
    .regex(/^(file:|s3:\/\/[^/]+)/, 'must begin with file: or s3://BUCKET')
    .describe(url),
  endpoint: z
    .string()
    .regex(/^https?:\/\/[^/@\s]+\/?$/, 'must be http:// or https:// with a host, and no keys in it')
    .transform((text) => text.replace(/\/$/, ''))
    .optional()
    .describe('Any S3-compatible service: http://127.0.0.1:7480'),
  region: z.string().min(1).optional().describe('Region of the bucket'),
  forcePathStyle: z.boolean().optional().describe('http://host/bucket in place of http://bucket.host'),
  credentials: credentials.optional().describe("Keys; default: the AWS SDK's own chain"),
})

function checkS3(
  given: Partial<Record<(typeof s3Only)[number], unknown>> & { readonly url: string },
  ctx: z.RefinementCtx,
) {
  if (given.url.startsWith('s3:')) return
  for (const key of s3Only)
    if (given[key] !== undefined)
      ctx.addIssue({
        code: 'custom',
        path: [key],
        message: `${key} belongs to an s3:// url, and this one is ${given.url}`,
      })
}

const projectPlace = z
  .strictObject(place("Root of this project's tables alone: s3://globex-data/tf, file:/data/globex"))
  .superRefine(checkS3)

export const deltaConfig = z
  .strictObject({
    ...place('Root below which projects and tables lie: s3://bucket/prefix, file:./lake'),
    projects: z
      .record(z.string(), projectPlace)
      .optional()
      .describe('Projects with a root of their own, whose tables are nowhere else'),
  })
  .superRefine(checkS3)
export type DeltaConfig = z.infer<typeof deltaConfig>
/** A root and how it is reached. */
export type DeltaPlace = z.infer<typeof projectPlace>
