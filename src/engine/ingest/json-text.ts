/**
 * A Json column holds its own text, and the engine's JSON reader would write that text anew (numbers as doubles, no spaces). So the
 * rows that it reads carry such values as JSON strings, which it decodes without looking into them.
 */
import type { DataType, Field } from '../../core/types.ts'

/** The text again, with every Json value (null aside) written as a string. The text is valid JSON that fits its type. */
export type JsonQuoting = (text: string) => string

/** Null when the columns hold no Json. */
export function rowQuoting(fields: readonly Field[]): JsonQuoting | null {
  return typeQuoting({ kind: 'Struct', fields })
}

export function typeQuoting(type: DataType): JsonQuoting | null {
  const visit = visitor(type)
  if (visit === null) return null
  return (text) => {
    const edit: Edit = { text, done: 0, parts: [] }
    visit(edit, skipSpace(text, 0))
    return edit.parts.length === 0 ? text : edit.parts.join('') + text.slice(edit.done)
  }
}

/** The type as such rows hold it. */
export function quotedType(type: DataType): DataType {
  switch (type.kind) {
    case 'Json':
      return { kind: 'Utf8' }
    case 'List':
      return { ...type, item: quotedType(type.item) }
    case 'Map':
      return { ...type, value: quotedType(type.value) }
    case 'Struct':
      return { ...type, fields: type.fields.map((field) => ({ ...field, type: quotedType(field.type) })) }
    default:
      return type
  }
}

interface Edit {
  readonly text: string
  /** Everything before it is in `parts`. */
  done: number
  readonly parts: string[]
}
/** Goes over the value that begins at `at`; returns where it ends. */
type Visit = (edit: Edit, at: number) => number

const [quote, backslash, comma] = [34, 92, 44]
const [openList, closeList, openObject, closeObject] = [91, 93, 123, 125]

function visitor(type: DataType): Visit | null {
  switch (type.kind) {
    case 'Json':
      return quoteValue
    case 'List': {
      const item = visitor(type.item)
      return item && ((edit, at) => visitList(edit, at, item))
    }
    case 'Map': {
      const value = visitor(type.value)
      return value && ((edit, at) => visitObject(edit, at, () => value))
    }
    case 'Struct': {
      const members = new Map<string, Visit>()
      for (const field of type.fields) {
        const member = visitor(field.type)
        if (member !== null) members.set(field.name, member)
      }
      return members.size === 0 ? null : (edit, at) => visitObject(edit, at, (key) => members.get(key))
    }
    default:
      return null
  }
}

function quoteValue(edit: Edit, at: number): number {
  const end = skipValue(edit.text, at)
  const value = edit.text.slice(at, end)
  if (value === 'null') return end
  edit.parts.push(edit.text.slice(edit.done, at), JSON.stringify(value))
  edit.done = end
  return end
}

function visitList(edit: Edit, at: number, item: Visit): number {
  const { text } = edit
  if (text.charCodeAt(at) !== openList) return skipValue(text, at)
  let next = skipSpace(text, at + 1)
  while (text.charCodeAt(next) !== closeList) {
    next = skipSpace(text, item(edit, next))
    if (text.charCodeAt(next) === comma) next = skipSpace(text, next + 1)
  }
  return next + 1
}

function visitObject(edit: Edit, at: number, member: (key: string) => Visit | undefined): number {
  const { text } = edit
  if (text.charCodeAt(at) !== openObject) return skipValue(text, at)
  let next = skipSpace(text, at + 1)
  while (text.charCodeAt(next) !== closeObject) {
    const end = skipString(text, next)
    const key = JSON.parse(text.slice(next, end)) as string
    const colon = skipSpace(text, end)
    const value = skipSpace(text, colon + 1)
    next = skipSpace(text, (member(key) ?? visitNothing)(edit, value))
    if (text.charCodeAt(next) === comma) next = skipSpace(text, next + 1)
  }
  return next + 1
}

const visitNothing: Visit = ({ text }, at) => skipValue(text, at)

function skipValue(text: string, at: number): number {
  const first = text.charCodeAt(at)
  if (first === quote) return skipString(text, at)
  if (first !== openList && first !== openObject) {
    let end = at
    while (end < text.length && !endsScalar(text.charCodeAt(end))) end++
    return end
  }
  let open = 0
  for (let next = at; next < text.length; ) {
    const code = text.charCodeAt(next)
    if (code === quote) {
      next = skipString(text, next)
      continue
    }
    next++
    if (code === openList || code === openObject) open++
    else if ((code === closeList || code === closeObject) && --open === 0) return next
  }
  return text.length
}

const endsScalar = (code: number): boolean =>
  code === comma || code === closeList || code === closeObject || isSpace(code)

/** `at`: the opening quote. */
function skipString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end - 1
    while (text.charCodeAt(before) === backslash) before--
    if ((end - before) % 2 === 1) return end + 1
  }
  return text.length
}

const isSpace = (code: number): boolean => code === 32 || code === 10 || code === 13 || code === 9

function skipSpace(text: string, at: number): number {
  let next = at
  while (isSpace(text.charCodeAt(next))) next++
  return next
}
