/** The last picture of the quickstart: what an optimize changed, per table and in all. */
import type { Colors } from '../../src/cli/io.ts'
import { tableLines } from '../../src/cli/output/table.ts'
import type { Column } from '../../src/cli/output/view.ts'
import { formatBytes } from '../../src/core/units.ts'

interface Count {
  readonly files: number
  readonly bytes: number
  readonly rows: number
}
export type Counts = ReadonlyMap<string, Count>
interface Line {
  readonly ref: string
  readonly before: Count
  readonly after: Count
  /** Null: there was nothing to do. */
  readonly seconds: number | null
}

export function printSummary(
  refs: readonly string[],
  before: Counts,
  after: Counts,
  seconds: ReadonlyMap<string, number>,
  { write, colors, optimizeMs }: { write: (text: string) => void; colors: Colors; optimizeMs: number },
): void {
  const lines: Line[] = refs.map((ref) => ({
    ref,
    before: before.get(ref)!,
    after: after.get(ref)!,
    seconds: seconds.get(ref) ?? null,
  }))
  // Tables are worked on side by side: the time in all is less than the sum of theirs.
  const total = { ref: 'total', before: sum(lines, 'before'), after: sum(lines, 'after'), seconds: optimizeMs / 1000 }
  const style = { headers: true, width: null, colors, reasons: false }
  for (const line of tableLines(columns, [...lines, total], style).lines) write(`${line}\n`)
}

const column = (name: string, value: (line: Line) => string | null): Column<Line> => ({ name, align: 'right', value })
const columns: readonly Column<Line>[] = [
  { name: 'table', value: ({ ref }) => ref },
  column('rows', ({ after }) => String(after.rows)),
  column('files', ({ before, after }) => `${before.files} → ${after.files}`),
  column('bytes', ({ before, after }) => `${formatBytes(before.bytes)} → ${formatBytes(after.bytes)}`),
  column('seconds', (line) => line.seconds?.toFixed(2) ?? null),
]

function sum(lines: readonly Line[], side: 'before' | 'after'): Count {
  const add = (field: keyof Count): number => lines.reduce((total, line) => total + line[side][field], 0)
  return { files: add('files'), bytes: add('bytes'), rows: add('rows') }
}
