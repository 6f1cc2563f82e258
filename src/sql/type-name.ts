/** The type of a column as SQL writes it: `VARCHAR(20)`, `DOUBLE PRECISION`, `TIMESTAMP(6) WITH TIME ZONE`. */
import type { Cursor } from './cursor.ts'

/** Words that follow a type; every other word is part of it. */
const ending = new Set([
  'CONSTRAINT',
  'PRIMARY',
  'NOT',
  'NULL',
  'UNIQUE',
  'CHECK',
  'DEFAULT',
  'COLLATE',
  'REFERENCES',
  'GENERATED',
  'AS',
  'AUTO_INCREMENT',
  'COMMENT',
])
const longestType = 256

/** Upper case, single spaces, none around parentheses and commas. Which types there are, the driver says. */
export function parseTypeName(cursor: Cursor): string {
  const first = cursor.peek()
  const isWord = () => {
    const { kind, value } = cursor.peek()
    return kind === 'word' && !ending.has(value.toUpperCase())
  }
  if (!isWord()) throw cursor.wrong('the type of the column')
  let type = ''
  while (isWord()) type += `${type === '' ? '' : ' '}${cursor.next().value.toUpperCase()}`
  if (cursor.isSymbol('('))
    type += `(${cursor
      .list(() => {
        if (cursor.peek().kind !== 'number') throw cursor.wrong('a number')
        return cursor.next().value
      })
      .join(',')})`
  // `TIMESTAMP(6) WITH TIME ZONE`
  while (isWord()) type += ` ${cursor.next().value.toUpperCase()}`
  if (type.length > longestType) throw cursor.bad(`the type is longer than ${longestType} characters`, first)
  return type
}
