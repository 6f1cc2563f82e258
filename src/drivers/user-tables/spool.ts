/** Lines to a file in one go, so that what they are read from is as of one moment; in pieces, so that they are never all in memory. */
import { closeSync, openSync, writeSync } from 'node:fs'

const writeAtBytes = 1024 * 1024

/** Returns how many lines there were, and the bytes of the longest one. */
export function spoolLines(path: string, lines: Iterable<string>): { rows: number; longest: number } {
  let [rows, longest, gathered] = [0, 0, 0]
  let text: string[] = []
  const file = openSync(path, 'wx')
  const write = (): void => {
    if (text.length > 0) writeSync(file, text.join(''))
    text = []
    gathered = 0
  }
  try {
    for (const line of lines) {
      const bytes = Buffer.byteLength(line) + 1
      text.push(line, '\n')
      rows++
      gathered += bytes
      if (bytes > longest) longest = bytes
      if (gathered >= writeAtBytes) write()
    }
    write()
  } finally {
    closeSync(file)
  }
  return { rows, longest }
}
