/** The shared flags that choose tables, as the api takes them. */
import type { Selection } from '../../api/select.ts'
import { hasGlob, isProjectRef } from '../../core/ref.ts'
import type { GlobalOptions } from '../flags/shared.ts'

export function selectionOf(global: GlobalOptions, refs: readonly string[]): Selection {
  return {
    refs,
    ...(global.project === null ? {} : { projects: [global.project] }),
    ...(global.backend === null ? {} : { backends: [global.backend] }),
    ...(global.labels.length === 0 ? {} : { labels: Object.fromEntries(global.labels) }),
    ...(global.all ? { all: true } : {}),
  }
}

/** One table by its own name: what is printed is that table, not a list with one item. */
export function singleRef({ refs, ...flags }: Selection): string | null {
  const [ref] = refs
  if (ref === undefined || refs.length > 1 || Object.keys(flags).length > 0) return null
  return hasGlob(ref) || isProjectRef(ref) ? null : ref
}
