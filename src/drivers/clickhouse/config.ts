/** What tblctl.yaml says of a ClickHouse backend. */
import { z } from 'zod'
import { secret } from '../../settings/secret-field.ts'

export const clickhouseConfig = z.strictObject({
  url: z
    .string()
    .regex(
      /^(?:https?:\/\/[^@\s]+|chdb:.+)$/,
      'must begin with http://, https:// (user and password apart) or chdb: (a folder, such as chdb:.tblctl/clickhouse)',
    )
    .describe('A server, http://localhost:8123, or a folder of the embedded engine, chdb:.tblctl/clickhouse'),
  database: z
    .string()
    .min(1)
    .max(64)
    .default('default')
    .describe('Database in which the tables lie; made with the first table (default: default)'),
  username: z.string().min(1).default('default').describe('User of the server (default: default)'),
  password: secret('Password of the user').optional(),
})
export type ClickhouseConfig = z.infer<typeof clickhouseConfig>
