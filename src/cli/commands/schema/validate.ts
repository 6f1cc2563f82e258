/** `tblctl schema validate FILE…`: all that is wrong with each file. */
import { type Validation, validateSchemaFile } from '../../../api/schemas.ts'
import { exitCodes } from '../../../core/errors.ts'
import type { CommandContext, CommandModule } from '../../command.ts'
import { cleanLines } from '../../output/text.ts'
import type { Column } from '../../output/view.ts'

const columns: readonly Column<Validation>[] = [
  { name: 'file', value: (item) => item.file },
  {
    name: 'valid',
    value: (item) => item.valid,
    format: (valid: boolean) => (valid ? 'yes' : 'no'),
    paint: (valid: boolean) => (text, colors) => (valid ? colors.green(text) : colors.red(text)),
  },
  { name: 'schema', value: (item) => item.schema },
  { name: 'columns', align: 'right', value: (item) => item.columns },
]

export const validate: CommandModule<{ files: readonly string[] }> = {
  name: 'validate',
  summary: 'Check files of table schemas',
  description: 'Says of every file all that is wrong with it, by line and column.',
  examples: [{ command: 'tblctl schema validate schemas/*.yaml', does: 'for CI: exit code 78 when one is wrong' }],
  arguments: [{ name: '<files...>', description: 'YAML files', completes: 'file' }],
  takes: ['output'],
  columns,
  async run({ print, io, global }: CommandContext, { files }) {
    const items: Validation[] = []
    for (const file of files) items.push(await validateSchemaFile(file, io.directory))
    await print({ is: 'list', kind: 'SchemaValidation', columns, items })
    const errors = items.flatMap(({ error }) => (error === null ? [] : [error]))
    if (global.output === 'table' || global.output === 'wide')
      for (const { where, message, hint } of errors) {
        io.stderr.say(
          `${io.stderr.colors.red('error:')} ${where === undefined ? '' : `${where}: `}${cleanLines(message)}`,
        )
        if (hint !== undefined) io.stderr.say(`  ${cleanLines(hint)}`)
      }
    const codes = new Set(errors.map(({ kind }) => exitCodes[kind]))
    return codes.size > 1 ? exitCodes.failed : ([...codes][0] ?? 0)
  },
}
