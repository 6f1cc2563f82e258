/** `tblctl verify`: is a table what its log says? With --repair, what can be mended is. */
import type { Tblctl } from '../../api/open.ts'
import { formatBytes } from '../../core/units.ts'
import type { CommandModule } from '../command.ts'
import { reportColumns } from '../output/report.ts'
import { clean } from '../output/text.ts'
import type { Column } from '../output/view.ts'
import { gather, reportErrors } from '../tables/gather.ts'
import { runOperation } from '../tables/operation.ts'
import { selectionOf } from '../tables/selection.ts'
import { changingChosen, type TableContext } from '../tables/traits.ts'

type Verified = Awaited<ReturnType<Tblctl['verify']>>

const columns: readonly Column<Verified>[] = [
  { name: 'ref', value: ({ ref }) => ref },
  { name: 'ok', value: ({ ok }) => ok, format: (ok: boolean) => (ok ? 'yes' : 'no') },
  { name: 'problems', align: 'right', value: ({ problems }) => problems.length },
  { name: 'checked', value: ({ checked }) => checked, format: checkedText },
]

/** `{files: 3, bytes: 1200, unnamedFiles: 0}` → `3 files, 1.2 KB`; what there is none of is for `-o json`. */
function checkedText(checked: object): string {
  return Object.entries(checked)
    .filter(([, value]) => typeof value === 'number' && value > 0)
    .map(([name, value]) => {
      const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
      const what = words.replace(/ ?bytes$/, '')
      return what === words ? `${value} ${words}` : `${formatBytes(value)} ${what}`.trimEnd()
    })
    .join(', ')
}

const mostProblems = 20

export const command: CommandModule<{ refs: readonly string[] }, { data?: boolean; repair?: boolean }> = {
  name: 'verify',
  summary: 'Check that tables are what their logs say',
  description:
    'Every file that the table names is looked for; with --data it is read, too. Exit code 1 when something is wrong. --repair takes files that are lost for good out of the table, so that the other rows can be read; their rows are gone already.',
  examples: [
    { command: 'tblctl verify lake:acme/metrics', does: 'are all files there?' },
    { command: 'tblctl verify --backend lake --data -o json', does: 'can all be read, and do their rows count up?' },
    { command: 'tblctl verify lake:acme/metrics --repair --dry-run', does: 'what would be mended' },
  ],
  arguments: [{ name: '[refs...]', description: 'tables, projects (lake:acme/) or globs', completes: 'table' }],
  options: [
    { flags: '--data', description: 'read the files, and not only look for them' },
    { flags: '--repair', description: 'mend what can be mended' },
  ],
  takes: changingChosen,
  columns: [...columns, ...reportColumns.filter(({ name }) => !columns.some((column) => column.name === name))],
  async run(context: TableContext, { refs }, { data = false, repair = false }) {
    const { global, io } = context
    const api = await context.api()
    const look = () => gather(context, refs, (ref) => api.verify(ref, { data }))
    if (repair) {
      const repaired = await runOperation(context, () =>
        api.operate('repair', selectionOf(global, refs), {}, global.dryRun),
      )
      if (repaired !== 0 || global.dryRun) return repaired
    }
    const { items, errors } = await look()
    if (!repair) await context.print({ is: 'list', kind: 'VerificationList', columns, items, after: { errors } })
    // What could not be mended is told by its name, and the exit code says that it is there.
    if (repair || global.output === 'table' || global.output === 'wide')
      for (const { ref, problems, remarks } of items) {
        for (const { problem, path, detail } of problems.slice(0, mostProblems))
          io.stderr.say(`${clean(ref)}: ${problem}${path === null ? '' : ` ${clean(path)}`}: ${clean(detail)}`)
        if (problems.length > mostProblems) io.stderr.say(`${clean(ref)}: … and ${problems.length - mostProblems} more`)
        for (const remark of remarks) io.stderr.say(`${clean(ref)}: ${clean(remark)}`)
      }
    const code = reportErrors(context, errors)
    return code === 0 && items.some(({ ok }) => !ok) ? 1 : code
  },
}
