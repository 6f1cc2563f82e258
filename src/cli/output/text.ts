/** Text on a terminal: what may be shown, how wide it is, how it is shortened. */

const dangerous = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

/** Control and direction characters as JSON escapes, nothing shortened: hostile data is shown, not obeyed. */
export const clean = (text: string): string => text.replace(dangerous, escapeCharacter)

/** The same for a message of several lines. */
export const cleanLines = (text: string): string => text.split('\n').map(clean).join('\n')

/** `tenant.create` → `tenant create`, as it is typed. */
export const spokenVerb = (verb: string): string => verb.replaceAll('.', ' ')

export const escapeCharacter = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** East Asian wide and fullwidth blocks, and what shows as a picture: two cells (Unicode UAX #11, emoji in UTS #51). */
const wide =
  /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u
const invisible = /^[\p{Mark}\u200b-\u200f\u2060\ufeff]+$/u
let segmenter: Intl.Segmenter | undefined

/** Cells that the text takes; colour codes must not be in it. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let width = 0
  for (const part of graphemes(text)) width += invisible.test(part) ? 0 : wide.test(part) ? 2 : 1
  return width
}

/** At most `width` cells, the last one `…` where something was left out. */
export function shorten(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let kept = ''
  let used = 0
  for (const part of graphemes(text)) {
    const next = displayWidth(part)
    if (used + next > width - 1) break
    kept += part
    used += next
  }
  return `${kept}…`
}

function graphemes(text: string): string[] {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return Array.from(segmenter.segment(text), ({ segment }) => segment)
}

/** Breaks at spaces; a word longer than the line stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const paragraph of text.split('\n')) {
    let line = ''
    for (const word of paragraph.split(' ')) {
      if (line !== '' && displayWidth(line) + 1 + displayWidth(word) > width) {
        lines.push(line)
        line = word
      } else line = line === '' ? word : `${line} ${word}`
    }
    lines.push(line)
  }
  return lines
}
