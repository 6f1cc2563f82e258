/** verify: is a table what its log says? Files are looked for and measured, and with `data` read. Nothing is written. */
import type { Verification } from '../../core/driver.ts'
import type { ReadContext, Subject } from '../../core/operation.ts'
import { formatBytes } from '../../core/units.ts'
import { rowsOf } from './files/facts.ts'
import { openWithTombstones } from './rows/needed-files.ts'
import type { Lake } from './table.ts'
import { checkData } from './verify/data.ts'
import { checkFiles, type Problem, problemOf } from './verify/files.ts'
import { checkLog } from './verify/log.ts'

/** Of one answer; the rest is counted. */
const mostProblems = 1000

/** A log that cannot be read is an error, not a problem: then nothing of the table is known. */
export async function verify(
  lake: Lake,
  table: Subject,
  { data }: { readonly data: boolean },
  ctx: ReadContext,
): Promise<Verification> {
  const open = await openWithTombstones(lake, table, ctx)
  const { snapshot } = open
  const log = await checkLog(lake, open, ctx)
  const files = await checkFiles(lake, open, ctx)
  const read = data ? await checkData(lake, open, files.sound, ctx) : null
  const problems: Problem[] = [
    ...log.problems,
    ...files.missing.map((file) => problemOf('missing-file', file.path, 'the log names it, and it is not there', true)),
    ...files.problems,
    ...(read?.problems ?? []),
  ]
  const { unnamedFiles, unnamedBytes } = files
  const bytes = [...snapshot.files.values()].reduce((sum, { size }) => sum + size, 0)
  const rows = read === null ? rowsOf(snapshot).rows : read.rows
  return {
    checked: {
      ...log.checked,
      files: snapshot.files.size,
      bytes,
      deletionVectors: files.vectors,
      ...(read === null ? {} : { rows }),
      unnamedFiles,
      unnamedBytes,
    },
    problems: problems.slice(0, mostProblems),
    remarks: [
      ...log.remarks,
      ...(unnamedFiles === 0
        ? []
        : [
            `${unnamedFiles} files (${formatBytes(unnamedBytes)}) that no version inside the retention names: tblctl vacuum removes them once they are old enough`,
          ]),
      ...(problems.length <= mostProblems ? [] : [`${problems.length - mostProblems} more problems`]),
    ],
  }
}
