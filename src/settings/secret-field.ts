/** The zod type of a config field that is a secret. */
import { z } from 'zod'
import { parseSecret, type Secret, secretForms } from './secret.ts'

/** Accepts a reference only. A value typed in its place is refused and, marked `secret`, not printed. */
export function secret(description: string) {
  return z
    .unknown()
    .meta({ type: 'string', pattern: '^(env|file|cmd):', description: `${description} (${secretForms})` })
    .transform((value, ctx): Secret => {
      const parsed = typeof value === 'string' ? parseSecret(value) : undefined
      if (parsed !== undefined) return parsed
      const message = `a secret is a reference (${secretForms}), never the value itself`
      ctx.addIssue({ code: 'custom', message, params: { secret: true } })
      return z.NEVER
    })
}
