/** Which tenants a command means: refs, or ids of any text. */
import type { TenantChoice } from '../../../api/tenants.ts'
import type { OptionSpec } from '../../command.ts'
import { segment } from '../../flags/values.ts'

export interface ChoiceOptions {
  readonly tenantId?: readonly string[]
  readonly backend?: string
}

export const backendOption: OptionSpec = {
  flags: '--backend <name>',
  description: 'the backend of tenants that do not name one',
  parse: segment,
  completes: 'backend',
}
export const choiceOptions: readonly OptionSpec[] = [
  {
    flags: '--tenant-id <text>',
    description: 'a tenant by its id, any text of at most 63 bytes; may stand several times',
    repeat: true,
  },
  backendOption,
]
export const tenantsArgument = {
  name: '[tenants...]',
  description: 'tenants, as BACKEND:TENANT',
  completes: 'project',
} as const

export const choiceOf = (refs: readonly string[], { tenantId = [], backend }: ChoiceOptions): TenantChoice => ({
  refs,
  ids: tenantId,
  backend: backend ?? null,
})
