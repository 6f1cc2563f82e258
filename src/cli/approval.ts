/**
 * Once for a whole batch. Routine needs nothing; moderate `-y` or a yes; severe the name typed or `--confirm NAME`, and `-y` alone is not
 * enough. The name of one subject is its ref (`lake:acme/metrics`); of several it is their count (`3 tables`), so that a glob that
 * caught more than was thought is noticed. Nobody there to be asked never means yes.
 */
import { fail } from '../core/errors.ts'
import type { Approver, PlannedItem } from '../core/host.ts'
import type { Subject } from '../core/operation.ts'
import { idOfSegment, refOfPath, segmentsOf } from '../core/ref.ts'
import type { GlobalOptions } from './flags/shared.ts'
import type { Io } from './io.ts'
import { clean, cleanLines, spokenVerb } from './output/text.ts'
import type { Prompter } from './prompt.ts'

export interface ApprovalOptions extends Pick<GlobalOptions, 'yes' | 'confirm' | 'quiet'> {
  readonly io: Io
  readonly prompter: Prompter
}

const mostPlans = 20

export function createApprover(options: ApprovalOptions): Approver {
  return {
    async approve(items) {
      const severe = items.filter(({ plan }) => plan.risk === 'severe')
      const moderate = items.filter(({ plan }) => plan.risk === 'moderate')
      if (severe.length === 0 && moderate.length === 0) return true
      if (!options.quiet || options.io.canPrompt) options.io.stderr.say(planLines([...severe, ...moderate]).join('\n'))
      return severe.length > 0 ? approveSevere(severe, options) : approveModerate(moderate, options)
    },
  }
}

async function approveModerate(
  items: readonly PlannedItem[],
  { yes, confirm, io, prompter }: ApprovalOptions,
): Promise<boolean> {
  if (yes || confirm === phrase(items)) return true
  if (!io.canPrompt)
    throw fail('usage', 'approval-missing', `${work(items)} needs an approval, and nobody can be asked`, {
      hint: 'look at it with --dry-run, then add -y',
    })
  return prompter.confirm(`${work(items)}?`)
}

async function approveSevere(
  items: readonly PlannedItem[],
  { confirm, io, prompter }: ApprovalOptions,
): Promise<boolean> {
  const name = phrase(items)
  if (confirm !== null) {
    if (confirm === name || namesOfOnly(items).includes(confirm)) return true
    throw fail('usage', 'approval-mismatch', `--confirm says "${clean(confirm)}", but this is ${work(items)}`, {
      hint: `if you mean it: ${flag(name)}`,
    })
  }
  if (!io.canPrompt)
    throw fail(
      'usage',
      'approval-missing',
      `${work(items)} is hard to get back and needs an approval; -y is not enough`,
      {
        hint: `look at it with --dry-run, then add ${flag(name)}`,
      },
    )
  return (await prompter.text(`${work(items)} is hard to get back. Type ${name} to go on:`)).trim() === name
}

const flag = (name: string): string => `--confirm ${name.includes(' ') ? `"${name}"` : name}`

/** One subject may be confirmed by its ref (`ch:t1/`), and a table by its name with or without its project. */
function namesOfOnly(items: readonly PlannedItem[]): readonly string[] {
  if (items.length !== 1) return []
  const { subject } = items[0]!
  if (subject.kind !== 'table') return [refOf(subject)]
  const { project, table } = segmentsOf(subject.path)
  return [refOf(subject), `${project}/${table}`, table]
}

/** What has to be typed. */
function phrase(items: readonly PlannedItem[]): string {
  // A tenant is known by its name; it stands in no ref.
  if (items.length === 1 && items[0]!.subject.kind === 'project')
    return idOfSegment(segmentsOf(items[0]!.subject.path).project)
  if (items.length === 1) return refOf(items[0]!.subject)
  const kinds = new Set(items.map(({ subject }) => subject.kind))
  return `${items.length} ${kinds.size === 1 ? `${[...kinds][0]}s` : 'subjects'}`
}

/** `drop lake:acme/metrics`, `drop and vacuum 3 tables` */
function work(items: readonly PlannedItem[]): string {
  const verbs = [...new Set(items.map(({ verb }) => spokenVerb(verb)))]
  return `${verbs.length === 1 ? verbs[0] : `${verbs.slice(0, -1).join(', ')} and ${verbs.at(-1)}`} ${phrase(items)}`
}

function planLines(items: readonly PlannedItem[]): string[] {
  const lines = items
    .slice(0, mostPlans)
    .flatMap(({ verb, subject, plan }) => [
      `${spokenVerb(verb)} ${refOf(subject)}`,
      ...plan.summary.map((line) => cleanLines(line).replace(/^/gm, '  ')),
    ])
  return items.length > mostPlans ? [...lines, `… and ${items.length - mostPlans} more; --dry-run shows all`] : lines
}

const refOf = (subject: Subject): string => clean(refOfPath(subject.path, subject.kind))
