/** A context or a table's label can say `protect: true`: then nothing severe is even asked about. */
import { fail } from '../core/errors.ts'
import type { Approver } from '../core/host.ts'
import { refOfSubject } from '../core/ref.ts'

export function protecting(
  approver: Approver,
  context: { readonly protect: boolean; readonly name: string | null },
): Approver {
  return {
    approve: async (items) => {
      for (const { verb, subject, plan } of items) {
        if (plan.risk !== 'severe') continue
        const by = context.protect
          ? `context ${context.name ?? 'default'}`
          : subject.spec?.labels.protect === 'true'
            ? 'its label protect=true'
            : null
        if (by === null) continue
        const ref = refOfSubject(subject)
        const hint = context.protect ? 'use another context' : `tblctl label ${ref} protect-`
        throw fail('denied', 'protected', `${ref} is protected by ${by}: ${verb.replace('.', ' ')} is refused`, {
          hint,
        })
      }
      return approver.approve(items)
    },
  }
}
