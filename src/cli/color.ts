/** Whether a stream gets colour; decided for stdout and stderr separately. */
import type { Environment } from './environment.ts'

export type ColorMode = 'auto' | 'always' | 'never'

/**
 * `--color` first, then NO_COLOR (no-color.org: any value but an empty one), FORCE_COLOR and CLICOLOR_FORCE (not `0`),
 * TERM=dumb, and last whether it is a terminal.
 */
export function wantsColor(mode: ColorMode, env: Environment, isTTY: boolean): boolean {
  if (mode !== 'auto') return mode === 'always'
  if (env.NO_COLOR) return false
  for (const name of ['FORCE_COLOR', 'CLICOLOR_FORCE']) {
    const value = env[name]
    if (value !== undefined && value !== '') return value !== '0' && value !== 'false'
  }
  return isTTY && env.TERM !== 'dumb'
}
