/** `tblctl drivers`: which driver can what. */
import { describeDrivers } from '../../api/open.ts'
import type { CommandContext, CommandModule } from '../command.ts'
import type { Column } from '../output/view.ts'

type DriverItem = Awaited<ReturnType<typeof describeDrivers>>[number]
const yesNo = (value: boolean): string => (value ? 'yes' : 'no')

const columns: readonly Column<DriverItem>[] = [
  { name: 'driver', value: (item) => item.driver },
  { name: 'embedded', value: (item) => item.embedded, format: yesNo },
  { name: 'verified', value: (item) => item.verified, format: yesNo },
  { name: 'can', value: (item) => item.can.join(' ') },
]

export const command: CommandModule = {
  name: 'drivers',
  summary: 'Show which driver can what',
  description:
    'An embedded driver runs without a server. One that is not verified was built after recorded facts, and never ran against the real thing.',
  examples: [
    { command: 'tblctl drivers', does: 'verbs by drivers' },
    { command: 'tblctl drivers -o json', does: 'for scripts: .items[].driver, .items[].can' },
  ],
  takes: ['output'],
  async run({ print, global }: CommandContext) {
    const items = await describeDrivers()
    if (global.output !== 'table' && global.output !== 'wide')
      return print({ is: 'list', kind: 'DriverList', columns, items })
    await print({
      is: 'object',
      kind: 'DriverList',
      object: { items },
      name: '',
      sections: [{ table: { columns: matrixColumns(items), items: matrix(items) } }],
    })
  },
}

interface MatrixRow {
  readonly what: string
  holds(item: DriverItem): boolean
}

/** Verbs in the order in which the drivers name them. */
function matrix(items: readonly DriverItem[]): MatrixRow[] {
  const verbs = [...new Set(items.flatMap((item) => item.can))]
  return [
    { what: 'embedded', holds: (item) => item.embedded },
    { what: 'verified', holds: (item) => item.verified },
    ...verbs.map((verb): MatrixRow => ({ what: verb.replace('.', ' '), holds: (item) => item.can.includes(verb) })),
  ]
}

const matrixColumns = (items: readonly DriverItem[]): readonly Column<MatrixRow>[] => [
  { name: 'verb', header: '', value: (row) => row.what },
  ...items.map(
    (item): Column<MatrixRow> => ({
      name: item.driver,
      value: (row) => (row.holds(item) ? 'yes' : '-'),
    }),
  ),
]
