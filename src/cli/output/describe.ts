/** One thing for people: sections of `label  value` lines and small tables. */
import type { Output } from '../io.ts'
import { machineText } from './columns.ts'
import { tableLines } from './table.ts'
import { clean, displayWidth } from './text.ts'
import type { Line, Section } from './view.ts'

export function describeLines(sections: readonly Section[], output: Output): string[] {
  const { colors } = output
  const label = Math.max(0, ...sections.flatMap(({ lines = [] }) => lines.map((line) => displayWidth(line.label))))
  return sections.flatMap((section, at) => {
    const indent = section.title === undefined ? '' : '  '
    const body = (section.lines ?? []).map((line) => `${indent}${line.label.padEnd(label)}  ${valueText(line)}`)
    if (section.table !== undefined) {
      const width = innerWidth(output.width(), indent)
      const style = { headers: true, width, colors, reasons: true }
      body.push(...tableLines(section.table.columns, section.table.items, style).lines.map((text) => indent + text))
    }
    const title = section.title === undefined ? [] : [colors.bold(section.title)]
    return [...(at === 0 ? [] : ['']), ...title, ...body]
  })
}

function valueText(line: Line): string {
  if (line.value !== null && line.value !== undefined) return clean(line.text ?? machineText(line.value))
  return line.unknown === undefined ? '-' : `? (${clean(line.unknown)})`
}

const innerWidth = (width: number | null, indent: string): number | null =>
  width === null ? null : width - indent.length
