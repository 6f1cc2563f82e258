/** Which shared flags the commands on tables obey. */
import type { Tblctl } from '../../api/open.ts'
import type { CommandContext } from '../command.ts'
import type { Trait } from '../flags/shared.ts'

export type TableContext = CommandContext<Tblctl>

/** Changes tables that need not be registered yet. */
export const changing: readonly Trait[] = [
  'config',
  'output',
  'approval',
  'dry-run',
  'timeout',
  'lock-timeout',
  'parallelism',
]
/** Changes chosen tables. */
export const changingChosen: readonly Trait[] = [...changing, 'selection']
/** Reads chosen tables. */
export const readingChosen: readonly Trait[] = ['config', 'output', 'selection', 'timeout', 'parallelism', 'watch']
/** Streams rows of one table. */
export const streaming: readonly Trait[] = ['config', 'output', 'timeout']
