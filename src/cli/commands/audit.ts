/** `tblctl audit [REF]`: who did what, newest first. */
import type { Tblctl } from '../../api/open.ts'
import type { CommandContext, CommandModule } from '../command.ts'
import { positiveInteger } from '../flags/values.ts'
import type { Column, Paint } from '../output/view.ts'

type AuditItem = Awaited<ReturnType<Tblctl['audit']>>[number]

const paints: Readonly<Record<AuditItem['outcome'], Paint>> = {
  done: (text, colors) => colors.green(text),
  unchanged: (text, colors) => colors.dim(text),
  waiting: (text, colors) => colors.yellow(text),
  failed: (text, colors) => colors.red(text),
  cancelled: (text, colors) => colors.dim(text),
}

const columns: readonly Column<AuditItem>[] = [
  { name: 'at', value: (row) => row.at },
  { name: 'actor', value: (row) => row.actor },
  { name: 'verb', value: (row) => row.verb },
  { name: 'ref', value: (row) => row.ref },
  { name: 'outcome', value: (row) => row.outcome, paint: (outcome: AuditItem['outcome']) => paints[outcome] },
  { name: 'job', value: (row) => row.job },
  { name: 'run', wide: true, value: (row) => row.run },
  { name: 'detail', wide: true, value: (row) => row.detail },
]

const usualLimit = 100

export const command: CommandModule<{ ref?: string }, { limit?: number }> = {
  name: 'audit',
  summary: 'Show who did what to which table, newest first',
  examples: [
    { command: 'tblctl audit', does: `the newest ${usualLimit} rows` },
    { command: 'tblctl audit lake:acme/metrics', does: 'of one table' },
    { command: 'tblctl audit lake:acme/ --limit 1000 -o ndjson', does: 'of a project, for scripts' },
  ],
  arguments: [
    { name: '[ref]', description: 'only what was done to this table or project (acme/)', completes: 'table' },
  ],
  options: [
    { flags: '--limit <n>', description: `at most this many (${usualLimit})`, parse: positiveInteger(1_000_000) },
  ],
  takes: ['config', 'output', 'timeout'],
  columns,
  async run({ api, print, io, global }: CommandContext<Tblctl>, { ref }, { limit = usualLimit }) {
    const rows = await (await api()).audit({ limit: limit + 1, ...(ref === undefined ? {} : { ref }) })
    await print({ is: 'list', kind: 'AuditList', columns, items: rows.slice(0, limit), none: 'nothing was done yet' })
    if (rows.length > limit && !global.quiet)
      io.stderr.say(`only the newest ${limit} rows; there are more (--limit ${limit * 10})`)
  },
}
