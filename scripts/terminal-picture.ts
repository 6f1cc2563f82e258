/** Lines of a terminal, with their colours (SGR sequences), as an SVG that reads well on a light and on a dark page. */

const size = { font: 14, cell: 8.43, line: 20, margin: 18, bar: 34 }
const classes: Readonly<Record<string, string>> = {
  1: 'bold',
  2: 'dim',
  31: 'red',
  32: 'green',
  33: 'yellow',
  34: 'blue',
  35: 'magenta',
  36: 'cyan',
}
/** Which sequence ends which. */
const ends: Readonly<Record<string, readonly string[]>> = { 22: ['1', '2'], 39: ['31', '32', '33', '34', '35', '36'] }

const style = `
  .page { fill: #ffffff; stroke: #d0d7de } .bar { fill: #eaeef2 } text { fill: #1f2328; white-space: pre }
  text { font: ${size.font}px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace }
  .bold { font-weight: 700 } .dim { fill: #656d76 } .red { fill: #cf222e } .green { fill: #1a7f37 } .yellow { fill: #7d4e00 }
  .blue { fill: #0550ae } .magenta { fill: #8250df } .cyan { fill: #0f6c75 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #30363d } .bar { fill: #161b22 } text { fill: #e6edf3 }
    .dim { fill: #8d96a0 } .red { fill: #ff7b72 } .green { fill: #3fb950 } .yellow { fill: #d29922 }
    .blue { fill: #79c0ff } .magenta { fill: #d2a8ff } .cyan { fill: #56d4dd }
  }`

interface Span {
  readonly text: string
  readonly codes: readonly string[]
}

/** `title` is what a screen reader says of the picture. */
export function terminalSvg(lines: readonly string[], title: string): string {
  const parsed = lines.map(spans)
  const columns = Math.max(...parsed.map((line) => line.reduce((sum, { text }) => sum + text.length, 0)))
  const width = Math.ceil(columns * size.cell + 2 * size.margin)
  const height = size.bar + lines.length * size.line + 2 * size.margin - 8
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map(
    (color, at) => `<circle cx="${20 + at * 20}" cy="${size.bar / 2}" r="6" fill="${color}"/>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${style}\n</style>`,
    `<rect class="page" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    `<path class="bar" d="M1 ${size.bar}V9a8 8 0 0 1 8-8H${width - 9}a8 8 0 0 1 8 8V${size.bar}z"/>`,
    ...dots,
    ...parsed.flatMap((line, at) => lineElement(line, size.bar + size.margin + at * size.line + 8)),
    '</svg>\n',
  ].join('\n')
}

/** Each word group at the column where it stands: the picture stays aligned with whatever font the reader has. */
function lineElement(line: readonly Span[], y: number): string[] {
  const parts: string[] = []
  let column = 0
  for (const { text, codes } of line) {
    for (const { 0: words, index } of text.matchAll(/\S+(?: \S+)*/g)) {
      const names = codes.flatMap((code) => classes[code] ?? [])
      const marked = names.length === 0 ? '' : ` class="${names.join(' ')}"`
      const x = (size.margin + (column + index) * size.cell).toFixed(1)
      const length = (words.length * size.cell).toFixed(1)
      parts.push(`<tspan x="${x}" textLength="${length}"${marked}>${escaped(words)}</tspan>`)
    }
    column += text.length
  }
  return parts.length === 0 ? [] : [`<text y="${y}">${parts.join('')}</text>`]
}

function spans(line: string): Span[] {
  const found: Span[] = []
  let codes: string[] = []
  for (const [at, piece] of line.split(/\x1b\[([\d;]*)m/).entries()) {
    if (at % 2 === 0) {
      if (piece !== '') found.push({ text: piece, codes })
    } else
      for (const code of piece.split(';'))
        codes =
          code === '' || code === '0'
            ? []
            : code in ends
              ? codes.filter((one) => !ends[code]!.includes(one))
              : [...codes, code]
  }
  return found
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
