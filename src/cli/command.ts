/** A command is data plus one function: flags → options → api → view. Help, completion and docs/cli.md are read from the data. */
import type { Approver, Reporter, StopSource } from '../core/host.ts'
import type { Environment } from './environment.ts'
import type { GlobalOptions, Trait } from './flags/shared.ts'
import type { Io } from './io.ts'
import type { OperationReport } from './output/report.ts'
import type { Column, View } from './output/view.ts'
import type { Services } from './services.ts'
import type { Verb } from './verbs.ts'

/** What the shell offers for a value. `file` leaves it to the shell, `command` are commands and help topics. */
export type Completes = 'table' | 'project' | 'backend' | 'schema' | 'context' | 'file' | 'command'

interface ArgumentSpec {
  /** `<ref>`, `[refs...]` */
  readonly name: string
  readonly description: string
  readonly choices?: readonly string[]
  readonly completes?: Completes
}

export interface OptionSpec {
  /** `-f, --force`, `--target-size <size>`, `--watch [interval]` */
  readonly flags: string
  readonly description: string
  /** Text → value. Throws a usage error. */
  readonly parse?: (text: string) => unknown
  readonly choices?: readonly string[]
  readonly completes?: Completes
  /** May stand several times; the value is a list. */
  readonly repeat?: boolean
}

interface Example {
  readonly command: string
  readonly does: string
}

/** `any`: arguments and options differ by command, and one list holds them all. */
export interface CommandModule<Arguments extends object = any, Options extends object = any> {
  readonly name: string
  readonly summary: string
  /** Paragraphs below the summary. */
  readonly description?: string
  readonly examples: readonly Example[]
  readonly arguments?: readonly ArgumentSpec[]
  readonly options?: readonly OptionSpec[]
  /** Which shared flags it obeys; another is a usage error. `approval` also marks what changes something. */
  readonly takes?: readonly Trait[]
  /** What `--columns` and `--sort-by` know; `dynamic` when only the result tells (`query`). */
  readonly columns?: readonly Column<any>[] | 'dynamic'
  /** It prints one thing without rows: `-o csv` is refused before it runs. */
  readonly prints?: 'object'
  readonly children?: readonly CommandModule[]
  /** Returns the exit code; anything but a number means 0. Arguments by name (`refs`), options by camelCase name. */
  run?(context: CommandContext, args: Arguments, options: Options): Promise<unknown>
}

export interface CommandContext<Api extends AsyncDisposable = AsyncDisposable> {
  readonly io: Io
  readonly env: Environment
  readonly global: GlobalOptions
  /** Id of this run, in log lines, jobs and audit rows. */
  readonly run: string
  readonly stop: StopSource
  readonly reporter: Reporter
  readonly approver: Approver
  readonly services: Services<Api> | undefined
  /** All commands, for help and completion. */
  readonly verbs: readonly Verb[]
  /** Opened on first use, closed when the command ends. */
  api(): Promise<Api>
  /** Prints data on stdout in the format that was asked for. */
  print(view: View): Promise<void>
  /** Prints the report of an operation and returns the exit code that it means. */
  report(report: OperationReport): Promise<number>
}
