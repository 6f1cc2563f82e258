/** Sizes and durations as people write them. A number without a unit is an error: it is never clear what it counts. */
import { fail } from './errors.ts'
import { printable } from './ref.ts'

/** KB MB GB count in thousands, KiB MiB GiB in 1024s. */
const bytesPerUnit: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  pb: 1e15,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  pib: 2 ** 50,
}
const msPerUnit: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** `64MB`, `1.5 GiB` → bytes, a whole safe number. Case does not count. Throws usage `bad-size`. */
export function parseSize(text: string): number {
  return parse(text, bytesPerUnit, {
    what: 'size',
    units: 'B, KB, MB, GB, TB (thousands) or KiB, MiB, GiB, TiB (1024s)',
    example: '64MB',
    smallest: 'bytes',
  })
}

/** `30s`, `1.5h` → milliseconds, a whole safe number. Throws usage `bad-duration`. */
export function parseDuration(text: string): number {
  return parse(text, msPerUnit, {
    what: 'duration',
    units: 'ms, s, m, h, d or w',
    example: '30s',
    smallest: 'milliseconds',
  })
}

/** For people: `999 B`, `64 MB`, `1.23 GB` (thousands, three digits). */
export function formatBytes(bytes: number | bigint): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB', 'EB']
  let value = Number(bytes)
  let unit = 0
  // 999.5 would be printed as 1000: it belongs to the next unit.
  while (Math.abs(value) >= (unit === 0 ? 1000 : 999.5) && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? String(value) : threeDigits(value)} ${units[unit]}`
}

/** For people: `250ms`, `12.3s`, `3m 20s`, `2h 5m`, `3d 4h`: at most two units. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`
  if (Math.round(ms) < 1000) return `${Math.round(ms)}ms`
  if (ms < 59_950) return `${Number((ms / 1000).toFixed(1))}s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return pair(seconds, 60, 'm', 's')
  const minutes = Math.round(ms / 60_000)
  if (minutes < 1440) return pair(minutes, 60, 'h', 'm')
  return pair(Math.round(ms / 3_600_000), 24, 'd', 'h')
}

function pair(count: number, big: number, bigUnit: string, smallUnit: string): string {
  const rest = count % big
  return `${Math.floor(count / big)}${bigUnit}${rest === 0 ? '' : ` ${rest}${smallUnit}`}`
}

function threeDigits(value: number): string {
  const size = Math.abs(value)
  return String(Number(value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2)))
}

function parse(
  text: string,
  units: Readonly<Record<string, number>>,
  words: { what: string; units: string; example: string; smallest: string },
): number {
  const bad = (why: string, hint = `such as ${words.example}`): Error =>
    fail('usage', `bad-${words.what}`, `"${printable(text)}" is no ${words.what}: ${why}`, { hint })
  const match = /^(\d{1,16}(?:\.\d{1,9})?) ?([A-Za-z]{0,8})$/.exec(text.trim())
  if (match === null) throw bad(`it is a number and a unit (${words.units})`)
  const [, number = '', unit = ''] = match
  if (unit === '') throw bad(`it has no unit (${words.units})`)
  const factor = Object.hasOwn(units, unit.toLowerCase()) ? units[unit.toLowerCase()] : undefined
  if (factor === undefined) throw bad(`its unit is none of ${words.units}`)
  const value = exactProduct(number, factor)
  if (value === undefined) throw bad(`it is no whole number of ${words.smallest}`)
  if (!Number.isSafeInteger(value)) throw bad('it is too large')
  return value
}

/** In integers: 1.1 × 1000 is 1100, not 1100.0000000000002. Undefined when a fraction remains. */
function exactProduct(decimal: string, factor: number): number | undefined {
  const [whole = '', fraction = ''] = decimal.split('.')
  const product = BigInt(whole + fraction) * BigInt(factor)
  const scale = 10n ** BigInt(fraction.length)
  return product % scale === 0n ? Number(product / scale) : undefined
}
