/** The result of an operation for people: what belongs together as `before → after`. */
import type { Json, JsonObject } from '../../core/json.ts'
import { formatBytes } from '../../core/units.ts'

/** `filesRemoved` and `filesAdded` are one change of `files`; the same for `bytesBefore` and `bytesAfter`. */
const endings = { Before: 'After', Removed: 'Added' } as const

/** `{filesRemoved: 50, filesAdded: 1}` → `{files: '50 → 1'}`; lists of words become text; other members stay as they are. */
export function readableResult(result: JsonObject): JsonObject {
  const readable: Record<string, Json | undefined> = {}
  const told = new Set<string>()
  for (const [key, value] of Object.entries(result)) {
    if (told.has(key)) continue
    const [, stem, ending] = /^(.+)(Before|Removed)$/.exec(key) ?? []
    const partner = ending === undefined ? undefined : `${stem}${endings[ending as keyof typeof endings]}`
    const after = partner === undefined ? undefined : result[partner]
    if (stem !== undefined && typeof value === 'number' && typeof after === 'number') {
      told.add(partner!)
      readable[stem] = `${countText(stem, value)} → ${countText(stem, after)}`
    } else if (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string'))
      readable[key] = value.join(' and ')
    else readable[key] = value
  }
  return readable
}

/** `bytes` by their unit, everything else as a number. */
export const countText = (name: string, count: number): string =>
  /bytes$/i.test(name) ? formatBytes(count) : String(count)

/** `smallFiles` → `small files` */
export const wordsOf = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
