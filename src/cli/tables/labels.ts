/** `--label NAME=VALUE`, and labels in tables. */
import { parseLabels } from '../../api/label.ts'
import { fail } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import type { OptionSpec } from '../command.ts'

export const labelOption: OptionSpec = {
  flags: '--label <name=value>',
  description: 'a label for the tables; may stand several times',
  repeat: true,
  parse: (text) => {
    const { set, remove } = parseLabels([text])
    if (remove.length > 0)
      throw fail('usage', 'bad-label', `"${printable(text)}" removes a label, and there is none yet`, {
        hint: 'write NAME=VALUE',
      })
    return set
  },
}

type Labels = Readonly<Record<string, string>>

export const mergeLabels = (given: readonly Labels[] | undefined): Labels =>
  Object.assign({}, ...(given ?? [])) as Labels

/** `env=prod,tier=hot`; null when there are none. */
export const labelsText = (labels: Labels): string | null =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(',') || null
