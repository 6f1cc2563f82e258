/** The same question about several tables: one failure never hides the other answers. */
import { type ErrorView, errorView } from '../../core/errors.ts'
import { refOfPath } from '../../core/ref.ts'
import { mapBounded } from '../../core/run/pool.ts'
import { reportExitCode } from '../output/report.ts'
import { selectionOf } from './selection.ts'
import type { TableContext } from './traits.ts'

interface RefError {
  readonly ref: string
  readonly error: ErrorView
}
export interface Gathered<Answer> {
  readonly items: readonly Answer[]
  readonly errors: readonly RefError[]
}

/** In the order of the refs. Throws when the choice is empty or the run is stopped. */
export async function gather<Answer>(
  context: TableContext,
  refs: readonly string[],
  ask: (ref: string) => Promise<Answer>,
): Promise<Gathered<Answer>> {
  const { global, stop } = context
  const api = await context.api()
  const chosen = (await api.select(selectionOf(global, refs))).map(({ path }) => refOfPath(path))
  const errors: RefError[] = []
  const answers = await mapBounded(chosen, global.parallelism, async (ref) => {
    try {
      return { answer: await ask(ref) }
    } catch (thrown) {
      if (stop.why !== null) throw thrown
      errors.push({ ref, error: errorView(thrown) })
      return null
    }
  })
  errors.sort((a, b) => (a.ref < b.ref ? -1 : 1))
  return { items: answers.flatMap((given) => (given === null ? [] : [given.answer])), errors }
}

/** Says what failed and returns the exit code that it means: the one code of all, else 1. */
export function reportErrors({ reporter }: TableContext, errors: readonly RefError[]): number {
  for (const { ref, error } of errors) reporter.log('warn', `${ref}: ${error.message}`)
  return reportExitCode(errors.map(({ ref, error }) => ({ ref, status: 'failed', error })))
}
