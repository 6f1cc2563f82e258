/** `tblctl tenant list`: the tenants that the backends hold. */
import type { CommandModule } from '../../command.ts'
import { reportErrors } from '../../tables/gather.ts'
import type { TableContext } from '../../tables/traits.ts'
import { backendOption } from './choice.ts'
import { tenantColumns } from './view.ts'

export const list: CommandModule<object, { backend?: string }> = {
  name: 'list',
  summary: 'List tenants',
  description:
    'Asks the backends, and not the catalog. The state is whole, or what is missing or not as the set wants it.',
  examples: [
    { command: 'tblctl tenant list --backend ch', does: 'rows, bytes and retention of each tenant' },
    { command: 'tblctl tenant list -o json', does: 'for scripts: .items[].id, .items[].state' },
  ],
  options: [{ ...backendOption, description: 'only tenants of this backend' }],
  takes: ['config', 'output', 'timeout', 'watch'],
  columns: tenantColumns,
  async run(context: TableContext, _args, { backend = null }) {
    const { items, errors } = await (await context.api()).tenants.list(backend)
    await context.print({
      is: 'list',
      kind: 'TenantList',
      columns: tenantColumns,
      items,
      after: { errors },
      none: 'no tenants; tblctl tenant create makes one',
    })
    return reportErrors(
      context,
      errors.map(({ backend: name, error }) => ({ ref: `backend ${name}`, error })),
    )
  },
}
