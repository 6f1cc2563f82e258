/** What the command line needs from the rest of the house. start.ts hands in the real one, so that tests can hand in another. */
import type { Approver, Reporter, StopSource } from '../core/host.ts'
import type { Completes } from './command.ts'
import type { Environment } from './environment.ts'

export interface OpenRequest {
  readonly config: string | null
  readonly context: string | null
  readonly env: Environment
  readonly directory: string
  readonly run: string
  readonly lockTimeoutMs: number
  readonly parallelism: number
  readonly approver: Approver
  readonly reporter: Reporter
  readonly stop: StopSource
}

export interface Services<Api extends AsyncDisposable = AsyncDisposable> {
  open(request: OpenRequest): Promise<Api>
  /** Names for completion, from the local config and catalog only: no network, no engine, no error (then nothing). */
  names(
    what: Exclude<Completes, 'file' | 'command'>,
    from: { readonly config: string | null; readonly env: Environment; readonly directory: string },
  ): Promise<readonly string[]>
}
