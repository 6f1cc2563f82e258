/** `tblctl tenant describe`: every object of a tenant. */
import { formatBytes } from '../../../core/units.ts'
import type { CommandModule } from '../../command.ts'
import { factSections } from '../../tables/facts.ts'
import type { TableContext } from '../../tables/traits.ts'
import { type ChoiceOptions, choiceOf, choiceOptions } from './choice.ts'
import { idText, retentionText } from './view.ts'

export const describe: CommandModule<{ tenant?: string }, ChoiceOptions> = {
  name: 'describe',
  summary: 'Show a tenant: its tables, rollups and views',
  examples: [
    { command: 'tblctl tenant describe ch:acme', does: 'for people' },
    { command: 'tblctl tenant describe ch:acme -o json', does: 'for scripts: .objects[].state' },
  ],
  arguments: [{ name: '[tenant]', description: 'a tenant, as BACKEND:TENANT', completes: 'project' }],
  options: choiceOptions,
  takes: ['config', 'output', 'timeout', 'watch'],
  prints: 'object',
  async run(context: TableContext, { tenant }, choice) {
    const api = await context.api()
    const found = await api.tenants.describe(choiceOf(tenant === undefined ? [] : [tenant], choice))
    const { objects, ...facts } = found
    await context.print({
      is: 'object',
      kind: 'Tenant',
      object: found,
      name: found.ref,
      sections: [
        {
          lines: [
            { label: 'Tenant', value: facts.ref },
            { label: 'Id', value: facts.id, ...(facts.id === null ? {} : { text: idText(facts.id) }) },
            { label: 'Schema set', value: facts.schemaSet },
            { label: 'State', value: facts.state },
            { label: 'Tables', value: facts.tables },
            { label: 'Rows', value: facts.rows },
            { label: 'Bytes', value: facts.bytes, ...(facts.bytes === null ? {} : { text: formatBytes(facts.bytes) }) },
            { label: 'Retention', value: retentionText(facts.retention) },
          ],
        },
        ...factSections('', { objects }),
      ],
    })
  },
}
