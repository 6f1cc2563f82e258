/** `tblctl schema export NAME`: a table schema in the words of others. */
import type { Tblctl } from '../../../api/open.ts'
import { exportSchema, findSchema, writeExport } from '../../../api/schemas.ts'
import { fail } from '../../../core/errors.ts'
import type { CommandContext, CommandModule } from '../../command.ts'
import { registryOf } from './registry.ts'

interface Options {
  readonly format?: string
  readonly out?: string
}

export const exportCommand: CommandModule<{ schema: string }, Options> = {
  name: 'export',
  summary: 'Print a table schema in another notation',
  examples: [
    { command: 'tblctl schema export metrics --format json-schema', does: 'JSON Schema of one row' },
    { command: 'tblctl schema export metrics --format sql', does: 'CREATE TABLE' },
    { command: 'tblctl schema export metrics --format delta --out schema.json', does: "Delta's schemaString" },
    { command: 'tblctl schema export metrics --format yaml > schemas/mine.yaml', does: 'to begin your own with' },
  ],
  arguments: [{ name: '<schema>', description: 'name of a schema, or a YAML file', completes: 'schema' }],
  options: [
    { flags: '--format <format>', description: "json-schema, sql, yaml, or a driver's own, such as delta" },
    {
      flags: '--out <file>',
      description: 'into a file instead of stdout; one that is there is replaced',
      completes: 'file',
    },
  ],
  takes: ['config'],
  async run(context: CommandContext<Tblctl>, { schema }, { format, out }) {
    if (format === undefined)
      throw fail('usage', 'missing-flag', 'schema export needs --format', { hint: 'json-schema, sql, yaml or delta' })
    const { directory, stdout } = context.io
    const text = await exportSchema(await findSchema(await registryOf(context), schema, directory), format)
    if (out === undefined || out === '-') await stdout.write(text)
    else await writeExport(out, text, directory)
  },
}
