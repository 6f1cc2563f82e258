/** `tblctl jobs logs ID`: what the job has to say, line by line. */
import type { Tblctl } from '../../../api/open.ts'
import type { LogLine } from '../../../core/catalog.ts'
import type { CommandContext, CommandModule } from '../../command.ts'
import { jsonText } from '../../output/json.ts'
import { clean } from '../../output/text.ts'
import type { Column, ListView } from '../../output/view.ts'
import { idArgument } from './show.ts'

const columns: readonly Column<LogLine>[] = [
  { name: 'at', value: (line) => line.at },
  { name: 'level', value: (line) => line.level },
  { name: 'message', value: (line) => line.message },
  { name: 'fields', value: (line) => line.fields },
]

export const logs: CommandModule<{ id: string }, { follow?: boolean }> = {
  name: 'logs',
  summary: 'Print the log of a job',
  examples: [
    { command: 'tblctl jobs logs 3f9c21a07b44', does: 'what it has said so far' },
    { command: 'tblctl jobs logs 3f9c --follow', does: 'until nobody runs it any more' },
  ],
  arguments: [idArgument],
  options: [{ flags: '-f, --follow', description: 'go on until the job is over, waits or was interrupted' }],
  takes: ['config', 'output', 'timeout'],
  async run({ api, print, io, global }: CommandContext<Tblctl>, { id }, { follow = false }) {
    const { jobs } = await api()
    const lines = jobs.log(await jobs.id(id), follow)
    const view = (items: ListView['items']): ListView => ({ is: 'list', kind: 'JobLog', columns, items })
    if (global.output === 'table' || global.output === 'wide')
      for await (const line of lines) await io.stdout.write(`${lineText(line)}\n`)
    // One by one: a list is written in large pieces, and who follows wants every line at once.
    else if (global.output === 'ndjson') for await (const line of lines) await print(view([line]))
    else await print(view(lines))
  },
}

function lineText({ at, level, message, fields }: LogLine): string {
  const more = fields === null || Object.keys(fields).length === 0 ? '' : ` ${jsonText(fields, null)}`
  return `${at} ${level.padEnd(5)} ${clean(message)}${more}`
}
