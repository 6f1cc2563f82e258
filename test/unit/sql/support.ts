import { TblctlError } from '../../../src/core/errors.ts'
import { parseStatement } from '../../../src/sql/parse.ts'
import type { CreateTable, Statement } from '../../../src/sql/statement.ts'

export const parse = (text: string): Statement => parseStatement({ name: 'sql', text })

export function create(text: string): CreateTable {
  const statement = parse(text)
  if (statement.is !== 'create-table') throw new Error(`${text} is ${statement.is}`)
  return statement
}

/** What is told about a statement that does not parse: `kind where: message`. */
export function complaint(text: string): string {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof TblctlError) return `${error.view.kind} ${error.view.where}: ${error.view.message}`
    throw error
  }
  throw new Error(`${text} parses`)
}
