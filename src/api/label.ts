/** label: key=value notes on registered tables, for `-l` and for `protect=true`. The catalog's own verb: no driver takes part. */
import { fail } from '../core/errors.ts'
import type { Operation } from '../core/operation.ts'
import { printable, refOfPath } from '../core/ref.ts'

interface LabelOptions {
  readonly set: Readonly<Record<string, string>>
  readonly remove: readonly string[]
}

const labelName = /^[a-z0-9]([a-z0-9._/-]{0,61}[a-z0-9])?$/i

/** `tier=hot` sets, `tier-` removes (as kubectl does). */
export function parseLabels(changes: readonly string[]): LabelOptions {
  const set: Record<string, string> = {}
  const remove: string[] = []
  for (const change of changes) {
    const equals = change.indexOf('=')
    const name = equals < 0 ? change.replace(/-$/, '') : change.slice(0, equals)
    if (!labelName.test(name) || (equals < 0 && !change.endsWith('-')))
      throw fail('usage', 'bad-label', `"${printable(change)}" is no label`, {
        hint: 'write NAME=VALUE to set one, NAME- to remove it',
      })
    if (equals < 0) remove.push(name)
    else set[name] = change.slice(equals + 1)
  }
  const both = remove.find((name) => Object.hasOwn(set, name))
  if (both !== undefined)
    throw fail('usage', 'bad-label', `"${both}" is set and removed in one command`, { hint: 'say only one of both' })
  // Any other word would look like a protection and be none.
  if (Object.hasOwn(set, 'protect') && set.protect !== 'true' && set.protect !== 'false')
    throw fail('usage', 'bad-label', `protect is true or false, not "${printable(set.protect!)}"`, {
      hint: 'protect=true asks for the ref to be typed before anything changes this table; protect- removes it',
    })
  return { set, remove }
}

export const labelOperation: Operation<LabelOptions> = {
  options: { parse: (raw) => raw as LabelOptions },
  version: 1,
  hold: 'run',
  resume: 'replan',
  key: () => 'label',
  async plan(subject, { set, remove }) {
    const before = subject.spec?.labels ?? {}
    const changed = [
      ...Object.keys(set).filter((name) => before[name] !== set[name]),
      ...remove.filter((name) => name in before),
    ]
    return {
      changes: changed.length,
      risk: 'routine',
      summary: [
        `label ${refOfPath(subject.path)}: ${[...Object.entries(set).map(([name, value]) => `${name}=${value}`), ...remove.map((name) => `${name}-`)].join(' ')}`,
      ],
      basis: {},
      // Beside whatever works on the table, also a reshard that waits; not beside another label, nor what ends or replaces the table.
      leases: [
        { path: subject.path, mode: 'write' },
        { path: `labels/${subject.path}`, mode: 'exclusive' },
      ],
    }
  },
  async execute(_plan, ctx) {
    const { spec } = ctx.subject
    if (!spec) throw fail('missing', 'table-not-found', `table ${refOfPath(ctx.subject.path)} is not registered`)
    const labels = { ...spec.labels, ...ctx.options.set }
    for (const name of ctx.options.remove) delete labels[name]
    return {
      is: 'changed',
      result: { labels },
      tables: [{ put: ctx.subject.path, spec: { ...spec, labels }, state: 'active' }],
    }
  },
}
