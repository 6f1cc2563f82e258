/** What tblctl.yaml says of a Harper backend. */
import { z } from 'zod'
import { secret } from '../../settings/secret-field.ts'

export const harperConfig = z.strictObject({
  url: z
    .string()
    .regex(
      /^https?:\/\/[^\s/@?#]+\/?$/,
      'is the URL of the operations API without a path, such as http://localhost:9925',
    )
    .describe('Where the operations API is: http://localhost:9925'),
  username: z.string().min(1).describe('User who may describe, create and write tables'),
  password: secret('Password of that user'),
  database: z
    .string()
    .min(1)
    .max(250)
    .regex(/^[^`/]+$/, 'has no "`" and no "/"')
    .default('data')
    .describe('Database that holds the tables'),
})
export type HarperConfig = z.infer<typeof harperConfig>
