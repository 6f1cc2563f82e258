/** Bounds of long texts: a prefix is a lower bound, a prefix with a tie-breaker an upper one. */

const longest = 32
const highest = '\u{10ffff}'

/**
 * At most 32 characters (code points, never half a surrogate pair) for a minimum, and one more for a maximum: the highest
 * character that there is, so that the result is not less than any text with that prefix. Null when there is no such bound.
 * The order is that of code points, which is also that of UTF-8 bytes.
 */
export function textBound(text: string, side: 'min' | 'max'): string | null {
  if (!text.isWellFormed()) return null
  if (text.length <= longest) return text
  let kept = ''
  let count = 0
  for (const character of text) {
    // A tie-breaker exceeds what follows only if that is not the highest character itself: then the prefix grows.
    if (count >= longest && (side === 'min' || character !== highest)) return side === 'min' ? kept : kept + highest
    if (count >= 2 * longest) return null
    kept += character
    count++
  }
  return kept
}
