import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TblctlError } from '../../../src/core/errors.ts'
import type { TableDefinition } from '../../../src/core/table-definition.ts'
import type { Statement, TableName } from '../../../src/sql/statement.ts'
import { tokenize } from '../../../src/sql/tokenizer.ts'
import { parse } from './support.ts'

const pieces = fc.constantFrom(
  ...`CREATE TABLE USER IF NOT EXISTS t chat . ( ) , ; INTEGER TEXT PRIMARY KEY UNIQUE NULL DEFAULT CONSTRAINT FLUSH POLICY ROWS 5 INTERVAL
    LOCATION WITH TYPE = DROP SHOW TABLES IN DESCRIBE SELECT * FROM TABLE_STATS INSERT INTO UPDATE DELETE -- /* */ /*SHARDS=3*/ ' " [ ] \` 'a' "b" 1e- 0x - 🦆`.split(
    /\s+/,
  ),
  '\n',
  '\u0000',
)
const soup = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.array(pieces, { maxLength: 40 }).map((words) => words.join(' ')),
  fc
    .tuple(
      fc.constantFrom('CREATE TABLE t (', 'CREATE USER TABLE a.b (id BIGINT) '),
      fc.array(pieces, { maxLength: 20 }),
    )
    .map(([start, words]) => start + words.join(' ')),
)

describe('any text', () => {
  it('parses, or is refused with its place', () => {
    fc.assert(
      fc.property(soup, (text) => {
        try {
          parse(text)
        } catch (error) {
          expect(error).toBeInstanceOf(TblctlError)
          expect((error as TblctlError).view.where).toMatch(/:\d+:\d+$/)
          expect(['usage', 'unsupported']).toContain((error as TblctlError).view.kind)
        }
      }),
      { numRuns: 3000 },
    )
  })

  it('has tokens and comments in order, and between them only space', () => {
    fc.assert(
      fc.property(soup, (text) => {
        let found: ReturnType<typeof tokenize>
        try {
          found = tokenize({ name: 'sql', text })
        } catch {
          return
        }
        const spans = [
          ...found.tokens,
          ...found.comments.map(({ form, text: inside, start }) => ({
            start,
            end: start + inside.length + (form === 'block' ? 4 : 2),
          })),
        ].sort((a, b) => a.start - b.start || a.end - b.end)
        let at = 0
        for (const { start, end } of spans) {
          expect(text.slice(at, start).trim()).toBe('')
          at = end
        }
        expect(at).toBe(text.length)
      }),
      { numRuns: 1000 },
    )
  })

  it('of 200,000 characters takes no long time, whatever it repeats', () => {
    for (const piece of ['(', ')', "'", '"', '/*', '-- ', 'a ', '1 ', '[', 'a.', '((a', ', '])
      expect(() => parse(`CREATE TABLE t (a INT DEFAULT ${piece.repeat(200_000 / piece.length)}`)).toThrow(TblctlError)
  })
})

const segment = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,10}$/)
const tableName: fc.Arbitrary<TableName> = fc.record({ project: fc.option(segment), table: segment })
const columnName = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
const typeName = fc.constantFrom(
  'INTEGER',
  'TEXT',
  'VARCHAR(20)',
  'NUMERIC(10,2)',
  'DOUBLE PRECISION',
  'TIMESTAMP(6) WITH TIME ZONE',
)
const expression = fc.constantFrom('1', '-2.5', "'a''b'", 'NOW()', 'CURRENT_DATE', '(1 + (2))')

const definition: fc.Arbitrary<TableDefinition> = fc
  .uniqueArray(columnName, { minLength: 1, maxLength: 5, selector: (name) => name.toLowerCase() })
  .chain((names) => {
    const some = fc.shuffledSubarray(names)
    return fc.record({
      kind: fc.constantFrom('table' as const, 'user' as const),
      primaryKey: some,
      unique: fc.array(fc.shuffledSubarray(names, { minLength: 1 }), { maxLength: 2 }),
      columns: fc.tuple(
        ...names.map((name) =>
          fc.record({
            name: fc.constant(name),
            type: typeName,
            nullable: fc.boolean(),
            default: fc.option(expression),
          }),
        ),
      ),
    })
  })
  .map((made) => ({
    ...made,
    columns: made.columns.map((column) => ({
      ...column,
      nullable: column.nullable && !made.primaryKey.includes(column.name),
    })),
  }))

const statement: fc.Arbitrary<Statement> = fc.oneof(
  fc.record({
    is: fc.constant('create-table' as const),
    name: tableName,
    ifNotExists: fc.boolean(),
    definition,
    location: fc.option(fc.string({ minLength: 1 }).filter((text) => text.trim() !== '')),
    settings: fc.record(
      {
        shards: fc.integer({ min: 1, max: 256 }),
        flushPolicy: fc.constantFrom('ROWS 10', "INTERVAL '5 minutes'", "ROWS 10 INTERVAL 'a''b'"),
      },
      { requiredKeys: [] },
    ),
  }),
  fc.record({ is: fc.constant('drop-table' as const), name: tableName, ifExists: fc.boolean() }),
  fc.record({ is: fc.constant('show-tables' as const), project: fc.option(segment) }),
  fc.record({ is: fc.constant('describe-table' as const), name: tableName }),
)

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`
const nameText = ({ project, table }: TableName): string =>
  `${project === null ? '' : `${quote(project)}.`}${quote(table)}`

/** As a person would write it. */
function write(it: Statement): string {
  switch (it.is) {
    case 'drop-table':
      return `DROP TABLE ${it.ifExists ? 'IF EXISTS ' : ''}${nameText(it.name)}`
    case 'show-tables':
      return `SHOW TABLES${it.project === null ? '' : ` IN ${quote(it.project)}`}`
    case 'describe-table':
      return `DESCRIBE ${nameText(it.name)}`
    case 'create-table': {
      const { columns, primaryKey, unique, kind } = it.definition
      const parts = [
        ...columns.map(
          (column) =>
            `${quote(column.name)} ${column.type}${column.nullable ? '' : ' NOT NULL'}${column.default === null ? '' : ` DEFAULT ${column.default}`}`,
        ),
        ...(primaryKey.length > 0 ? [`PRIMARY KEY (${primaryKey.map(quote).join(', ')})`] : []),
        ...unique.map((names) => `UNIQUE (${names.map(quote).join(', ')})`),
      ]
      return [
        `CREATE ${kind === 'user' ? 'USER ' : ''}TABLE ${it.ifNotExists ? 'IF NOT EXISTS ' : ''}${nameText(it.name)} (${parts.join(', ')})`,
        ...(it.location === null ? [] : [`LOCATION '${it.location.replaceAll("'", "''")}'`]),
        ...(it.settings.flushPolicy === undefined ? [] : [`FLUSH POLICY ${it.settings.flushPolicy}`]),
        ...(it.settings.shards === undefined ? [] : [`/* SHARDS=${it.settings.shards} */`]),
      ].join(' ')
    }
    default:
      throw new Error(it.is)
  }
}

describe('a statement', () => {
  it('that is written reads back', () => {
    fc.assert(
      fc.property(statement, fc.boolean(), (it, ended) => {
        expect(parse(`${write(it)}${ended ? ' ;\n' : ''}`)).toEqual(it)
      }),
      { numRuns: 500 },
    )
  })

  it('reads back whatever stands between its words', () => {
    const gap = fc.constantFrom(' ', '\n\t', ' /* ( */ ', " -- it's\n", '\u00a0')
    fc.assert(
      fc.property(statement, fc.array(gap, { minLength: 1, maxLength: 20 }), (it, gaps) => {
        const text = write(it)
        const { tokens, comments } = tokenize({ name: 'sql', text })
        const spread = tokens.map(({ start, end }, i) => `${gaps[i % gaps.length]}${text.slice(start, end)}`).join('')
        const hints = comments.map((comment) => `/*${comment.text}*/`).join('')
        const read = parse(spread + hints)
        // Expressions are kept as they are written, with the gaps.
        if (it.is === 'create-table' && it.definition.columns.some((column) => column.default !== null))
          expect(read).toMatchObject({ is: it.is, name: it.name, settings: it.settings, location: it.location })
        else expect(read).toEqual(it)
      }),
      { numRuns: 300 },
    )
  })
})
