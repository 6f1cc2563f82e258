/** What a commit is asked to do, and how it ends. */
import type { Action, Metadata } from './actions.ts'
import type { Snapshot } from './snapshot.ts'

export interface CommitRequest {
  /** What the work was based on; null creates the table as version 0. */
  readonly snapshot: Snapshot | null
  /**
   * `append`: only adds, and nothing of the table was read. `rewrite`: removes (its inputs) and adds; rows that others append
   * meanwhile are none of its business. `replace`: removes and adds after reading the whole table, so that any row that came or
   * went meanwhile makes it wrong; it may change the metadata and the protocol. `metadata`: changes those, and may remove and add.
   */
  readonly kind: 'append' | 'rewrite' | 'replace' | 'metadata'
  readonly actions: readonly Action[]
  /** Commits once: when the table has this version of the application or a later one, the outcome is `already`. */
  readonly txn?: {
    readonly appId: string
    readonly version: number
    /** What this commit continues: when the table has a later one, part of it may be in, and the outcome is `overtaken`. */
    readonly after?: number
  }
  /** `WRITE`, `OPTIMIZE`, … with what people look for in a history. */
  readonly operation: {
    readonly name: string
    readonly parameters: Readonly<Record<string, string>>
    readonly metrics: Readonly<Record<string, number>>
  }
}
export type CommitOutcome =
  | { readonly is: 'committed'; readonly version: number }
  /** The transaction was in the table before, committed by this process or another. */
  | { readonly is: 'already' }
  /** A winner committed an earlier version of the same application: some of what this commit holds may be in the table now. */
  | { readonly is: 'overtaken' }
  /** `removedInputs`: files that a winner removed, by path. */
  | { readonly is: 'conflict'; readonly why: string; readonly removedInputs?: readonly string[] }
  | { readonly is: 'metadata-changed'; readonly version: number }

/** Of the table once the request is committed. */
export function configurationAfter({ snapshot, actions }: CommitRequest): Metadata['configuration'] {
  const metaData = actions.flatMap((action) => ('metaData' in action ? [action.metaData] : [])).at(-1)
  return (metaData ?? snapshot?.metadata)?.configuration ?? {}
}
