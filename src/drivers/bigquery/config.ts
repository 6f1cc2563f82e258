/** What tblctl.yaml says of a BigQuery backend. */
import { z } from 'zod'
import { parseSize } from '../../core/units.ts'
import { secret } from '../../settings/secret-field.ts'

const size = z.string().superRefine((text, ctx) => {
  try {
    parseSize(text)
  } catch (error) {
    ctx.addIssue({ code: 'custom', message: (error as Error).message })
  }
})

export const bigqueryConfig = z.strictObject({
  projectId: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9:._-]*$/, 'is a Google Cloud project id, such as acme-prod')
    .describe('Google Cloud project that holds the datasets and is billed for the queries'),
  apiEndpoint: z
    .string()
    .regex(/^https?:\/\/[^\s/?#]+$/, 'is an URL without a path and a query, such as http://127.0.0.1:9050')
    .optional()
    .describe(
      'Where the API is: an emulator. Over plain http no credentials are sent. Default: BIGQUERY_EMULATOR_HOST, else Google',
    ),
  location: z
    .string()
    .min(1)
    .optional()
    .describe("Where queries run that read no table: EU, us-east1. A table's own are asked where it lies"),
  credentials: secret("Key of a service account as JSON; default: Google's application default credentials").optional(),
  maximumBytesBilled: size.optional().describe('A query that would be billed for more is refused: 10GB'),
})
export type BigQueryConfig = z.infer<typeof bigqueryConfig>
