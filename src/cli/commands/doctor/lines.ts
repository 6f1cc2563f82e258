/** Checks for people: a heading for each backend, a mark for each check, and a fix below each that failed. */
import type { DoctorCheck } from '../../../api/doctor.ts'
import type { Environment } from '../../environment.ts'
import type { Colors } from '../../io.ts'
import { clean, cleanLines } from '../../output/text.ts'

/** Returns the lines of the next check; it remembers under which heading it is. */
export function checkLines(colors: Colors, env: Environment): (check: DoctorCheck) => string {
  const [good, bad] = speaksUnicode(env) ? ['✓', '✗'] : ['ok', 'FAILED']
  let heading: string | undefined
  return ({ backend, check, ok, detail, fix }) => {
    const under = backend ?? 'tblctl'
    const lines = under === heading ? [] : [colors.bold(clean(under))]
    heading = under
    const mark = ok ? colors.green(good) : colors.red(bad)
    const [first = '', ...more] = cleanLines(detail).split('\n')
    lines.push(`  ${mark} ${clean(check)}: ${first}`, ...more.map((line) => `      ${line}`))
    if (!ok && fix !== undefined)
      lines.push(
        ...cleanLines(fix)
          .split('\n')
          .map((line) => `      fix: ${line}`),
      )
    return `${lines.join('\n')}\n`
  }
}

/** POSIX: the first of these that is set decides. None: nobody said that it does not. */
function speaksUnicode(env: Environment): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG
  return !locale || /utf-?8/i.test(locale)
}
