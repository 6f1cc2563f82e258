/** A view on stdout in the format that was asked for. Long lists are written piece by piece, never held as one text. */
import type { GlobalOptions } from '../flags/shared.ts'
import type { Io } from '../io.ts'
import { machineText, noRows, orderColumns, sortItems } from './columns.ts'
import { csvHeader, csvLine } from './csv.ts'
import { describeLines } from './describe.ts'
import { jsonText } from './json.ts'
import { tableLines } from './table.ts'
import { clean } from './text.ts'
import type { Column, ListView, ObjectView, View } from './view.ts'

export const apiVersion = 'tblctl/v1'

export type PrintOptions = Pick<GlobalOptions, 'output' | 'headers' | 'columns' | 'sortBy'>

/** Throws a usage error for a column that the view does not have, BrokenPipe when the reader is gone. */
export async function print(view: View, options: PrintOptions, io: Io): Promise<void> {
  const pieces = view.is === 'list' ? listPieces(view, options, io) : objectPieces(view, options, io)
  let buffered = ''
  for await (const piece of pieces) {
    buffered += piece
    if (buffered.length < 65_536) continue
    await io.stdout.write(buffered)
    buffered = ''
  }
  if (buffered !== '') await io.stdout.write(buffered)
}

async function* listPieces(view: ListView, options: PrintOptions, io: Io): AsyncGenerator<string> {
  // Columns are checked before the first item is asked for.
  const columns = chosenColumns(view, options)
  if (options.sortBy !== null) orderColumns(view.columns, [options.sortBy.column])
  const items = options.sortBy === null ? view.items : sortItems(await all(view.items), view.columns, options.sortBy)
  switch (options.output) {
    case 'table':
    case 'wide':
      yield* tablePieces(view, columns, items, options, io)
      return
    case 'json':
      yield* jsonPieces(view, items)
      return
    case 'yaml':
      yield await yamlText(envelope(view, await all(items)))
      return
    case 'name':
      for await (const item of items) yield `${clean(nameOf(view, item))}\n`
      return
    case 'ndjson':
      for await (const item of items) yield `${jsonText(item, null)}\n`
      return
    case 'csv': {
      const safe = io.stdout.isTTY ? clean : (text: string) => text
      if (options.headers) yield csvHeader(columns)
      for await (const item of items) yield csvLine(columns.map((column) => ofCell(column.value(item), safe)))
    }
  }
}

const ofCell = (value: ReturnType<Column<any>['value']>, safe: (text: string) => string) =>
  typeof value === 'string' ? safe(value) : value

/** csv has all columns, table those that are not `wide`. */
function chosenColumns(view: ListView, options: PrintOptions): readonly Column<any>[] {
  if (options.columns !== null) return orderColumns(view.columns, options.columns)
  return options.output === 'table' ? view.columns.filter((column) => column.wide !== true) : view.columns
}

/** Widths come from the first rows; those of a later window keep them. */
const windowRows = 20_000

async function* tablePieces(
  view: ListView,
  columns: readonly Column<any>[],
  items: ListView['items'],
  options: PrintOptions,
  io: Io,
): AsyncGenerator<string> {
  const reasons = options.output === 'wide'
  const style = {
    headers: options.headers,
    width: reasons ? null : io.stdout.width(),
    colors: io.stdout.colors,
    reasons,
  }
  let widths: readonly number[] | undefined
  let window: object[] = []
  const flush = (): string => {
    const rendered = tableLines(columns, window, style, widths)
    widths = rendered.widths
    window = []
    return rendered.lines.map((line) => `${line}\n`).join('')
  }
  for await (const item of items) {
    window.push(item)
    if (window.length >= windowRows) yield flush()
  }
  if (window.length > 0) yield flush()
  else if (widths === undefined && view.none !== undefined) io.stderr.say(view.none)
}

/** The same text as one JSON.stringify of the envelope, an item at a time. */
async function* jsonPieces(view: ListView, items: ListView['items']): AsyncGenerator<string> {
  const mark = jsonText(view.key ?? 'items')
  const whole = jsonText(envelope(view, []))
  const at = whole.indexOf(`\n  ${mark}: []`) + `\n  ${mark}: [`.length
  yield whole.slice(0, at)
  let count = 0
  for await (const item of items) yield `${count++ === 0 ? '' : ','}\n    ${jsonText(item).replaceAll('\n', '\n    ')}`
  yield `${count === 0 ? '' : '\n  '}${whole.slice(at)}\n`
}

const envelope = (view: ListView, items: readonly object[]): object => ({
  apiVersion,
  kind: view.kind,
  ...view.before,
  [view.key ?? 'items']: items,
  ...view.after,
})

const nameOf = (view: ListView, item: object): string =>
  view.name === undefined ? machineText(view.columns[0]?.value(item)) : view.name(item)

async function* objectPieces(view: ObjectView, options: PrintOptions, io: Io): AsyncGenerator<string> {
  const object = { apiVersion, kind: view.kind, ...view.object }
  switch (options.output) {
    case 'json':
      yield `${jsonText(object)}\n`
      return
    case 'yaml':
      yield await yamlText(object)
      return
    case 'ndjson':
      yield `${jsonText(view.object, null)}\n`
      return
    case 'name':
      yield `${clean(view.name)}\n`
      return
    case 'csv':
      throw noRows()
    default:
      for (const line of describeLines(view.sections, io.stdout)) yield `${line}\n`
  }
}

async function yamlText(value: object): Promise<string> {
  const { dump } = await import('js-yaml')
  // Through JSON: both formats hold the same values.
  return dump(JSON.parse(jsonText(value)), { lineWidth: -1, noRefs: true })
}

async function all<Item>(items: readonly Item[] | AsyncIterable<Item>): Promise<readonly Item[]> {
  return Array.isArray(items) ? items : Array.fromAsync(items)
}
