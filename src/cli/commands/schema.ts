/** `tblctl schema …`: table schemas, those that ship and those of the config's folders; no backend is asked. */
import type { CommandModule } from '../command.ts'
import { diff } from './schema/diff.ts'
import { exportCommand } from './schema/export.ts'
import { infer } from './schema/infer.ts'
import { list } from './schema/list.ts'
import { show } from './schema/show.ts'
import { validate } from './schema/validate.ts'

export const command: CommandModule = {
  name: 'schema',
  summary: 'Work with table schemas: list, show, validate, diff, infer, export',
  examples: [
    { command: 'tblctl schema list', does: 'those that ship, and your own' },
    { command: 'tblctl schema infer rows.ndjson > schemas/rows.yaml', does: 'a new one, from rows' },
  ],
  children: [list, show, validate, diff, infer, exportCommand],
}
