/** What tblctl.yaml says of a sharded-sql backend: its nodes by name. */
import { z } from 'zod'
import type { Secret } from '../../settings/secret.ts'
import { secret } from '../../settings/secret-field.ts'

export const mostShards = 256

/** What is wrong with a server's URL; null when nothing is. */
function wrongUrl(text: string): string | null {
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) return 'is no URL like postgres://user@host/database'
  const url = new URL(text)
  if (url.password === '' && !url.searchParams.has('password')) return null
  return 'holds a password, which is never written into the config: { url: "postgres://user@host/db", password: env:NAME }'
}

const refuse = (ctx: { addIssue(issue: { code: 'custom'; message: string; params: object }): void }, message: string) =>
  ctx.addIssue({ code: 'custom', message, params: { secret: true } })

const postgresUrl = z.string().superRefine((text, ctx) => {
  const wrong = wrongUrl(text)
  if (wrong !== null) refuse(ctx, wrong)
})

const postgresNode = z.strictObject({
  url: postgresUrl.describe('Where the server is: postgres://user@host:5432/database'),
  password: secret('Password of the user').optional(),
  ca: z.string().min(1).optional().describe('File with the certificate that the server must show; turns TLS on'),
  schema: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'must be a lower-case PostgreSQL name')
    .optional()
    .describe('PostgreSQL schema that holds the shards (tblctl)'),
})

const nodeText = z.string().superRefine((text, ctx) => {
  if (text.startsWith('sqlite:') && text !== 'sqlite:') return
  const wrong = text.startsWith('postgres')
    ? wrongUrl(text)
    : 'is neither sqlite:FOLDER nor postgres://user@host/database'
  if (wrong !== null) refuse(ctx, wrong)
})

const node = z.union([
  nodeText.describe('sqlite:FOLDER, which holds one file per shard, or postgres://user@host/database'),
  postgresNode,
])

export const shardedSqlConfig = z.strictObject({
  nodes: z
    .record(z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/, 'a node is named like n1: a-z, 0-9, "_" and "-"'), node)
    .refine((nodes) => Object.keys(nodes).length > 0, 'at least one node is needed')
    .describe('Nodes by name, in the order in which shards are dealt out'),
  shards: z
    .number()
    .int()
    .min(1)
    .max(mostShards)
    .optional()
    .describe('Shards of a new table that does not say how many (1)'),
})
export type ShardedSqlConfig = z.infer<typeof shardedSqlConfig>

export interface PostgresSettings {
  readonly url: string
  readonly password?: Secret | undefined
  readonly ca?: string | undefined
  readonly schema?: string | undefined
}
