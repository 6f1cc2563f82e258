/** `tblctl tenant …`: all tables of one tenant at once. */
import type { CommandModule } from '../command.ts'
import { create } from './tenant/create.ts'
import { remove } from './tenant/delete.ts'
import { describe } from './tenant/describe.ts'
import { list } from './tenant/list.ts'
import { retention } from './tenant/retention.ts'

export const command: CommandModule = {
  name: 'tenant',
  summary: 'Work with tenants: create, list, describe, retention, delete',
  description:
    'A tenant is a project whose tables are made, kept and deleted together. It is written BACKEND:TENANT; an id that is no name is given by --tenant-id.',
  examples: [
    { command: 'tblctl tenant create ch:acme --schema-set hyperdx', does: 'all tables of a new tenant' },
    { command: 'tblctl tenant list --backend ch', does: 'who is there, and how large' },
  ],
  children: [create, list, describe, retention, remove],
}
