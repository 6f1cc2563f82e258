import { describe, expect, test } from 'vitest'
import { type ErrorView, TblctlError } from '../../../src/core/errors.ts'
import { readTableSchema } from '../../../src/schemas/read.ts'

const problem = (text: string): ErrorView => {
  try {
    readTableSchema(text, 't.yaml')
  } catch (error) {
    if (error instanceof TblctlError) return error.view
    throw error
  }
  throw new Error('the schema was accepted')
}
/** A sound table with lines in front of its fields, which begin with `a`, `b`, `ts`, `doc` and `gone`. */
const table = (keys = '', fields = '') => `table_name: t
${keys}
fields:
  - { name: a, data_type: Utf8, nullable: false }
  - { name: b, data_type: Int64 }
  - { name: ts, data_type: 'Timestamp(Microsecond, Some("UTC"))' }
  - { name: doc, data_type: Variant }
  - { name: gone, data_type: Boolean }
${fields}
`

describe('a TimeFusion file', () => {
  const text = `table_name: spans
partitions:
  - date
sorting_columns:
  - name: timestamp
    descending: true
    nulls_first: false
z_order_columns: []
dedup_keys: [timestamp, id]
dedup_tiebreak: updated_at
tombstone_column: deleted
version_append: true
fields:
  - name: timestamp
    data_type: "Timestamp(Microsecond, Some(\\"UTC\\"))"
    nullable: false
  - name: id
    data_type: Utf8
    nullable: false
    bloom_filter: true
    tantivy: { indexed: true, tokenizer: raw }
  - { name: body, data_type: Variant, nullable: true, tantivy: { indexed: true, tokenizer: ngram3, flatten: json } }
  - { name: hashes, data_type: "List(Utf8)", nullable: true, mutable: true, dictionary: false }
  - { name: kind, data_type: Utf8, nullable: true }
  - { name: duration, data_type: Int64, nullable: true }
  - { name: updated_at, data_type: 'Timestamp(Microsecond, None)', nullable: true }
  - { name: deleted, data_type: Boolean, nullable: true }
  - { name: date, data_type: Date32, nullable: false }
rollups:
  - grain: 1m
    name: m1
    dimensions: [kind]
    measures:
      - { name: n, agg: count }
      - { name: slow, agg: tdigest, column: duration, filter: "duration > 5" }
      - { name: users, agg: hll, column: id }
  - { grain: 1h, derive_from: m1, dimensions: [kind], measures: [{ name: n, agg: count }] }
`
  test('is read as it is', () => {
    const schema = readTableSchema(text, 'spans.yaml')
    expect(schema).toMatchObject({
      name: 'spans',
      version: 1,
      description: null,
      partitions: ['date'],
      sortingColumns: [{ name: 'timestamp', descending: true, nullsFirst: false }],
      zOrderColumns: [],
      primaryKey: [],
      timeColumn: 'timestamp',
      retention: null,
      dedupKeys: ['timestamp', 'id'],
      dedupTiebreak: 'updated_at',
      tombstoneColumn: 'deleted',
      versionAppend: true,
    })
    expect(schema.fields).toHaveLength(9)
    expect(schema.fields[2]).toEqual({ name: 'body', type: { kind: 'Variant' }, nullable: true })
    expect(schema.fields[6]!.type).toEqual({ kind: 'Timestamp', unit: 'Microsecond', zone: null })
  })

  test('what core does not know is kept', () => {
    const { extensions } = readTableSchema(text, 'spans.yaml')
    expect(extensions.fields).toEqual({
      id: { bloom_filter: true, tantivy: { indexed: true, tokenizer: 'raw' } },
      body: { tantivy: { indexed: true, tokenizer: 'ngram3', flatten: 'json' } },
      hashes: { mutable: true, dictionary: false },
    })
    expect(extensions.rollups).toMatchObject([
      { grain: '1m', name: 'm1' },
      { grain: '1h', derive_from: 'm1' },
    ])
  })

  test.each([
    ['grain: 1m', 'grain: 1x', '"1x" is no grain'],
    ['grain: 1m', 'grain: 0m', '"0m" is no grain'],
    ['name: m1', 'name: m-1', 'is no identifier'],
    ['grain: 1h, derive_from: m1', 'grain: 90s, derive_from: m1', 'a grain of 90s is no multiple of 1m'],
    ['derive_from: m1', 'derive_from: nope', 'there is no other rollup "nope"'],
    ['derive_from: m1', 'derive_from: 1h', 'there is no other rollup "1h"'],
    ['name: m1', 'derive_from: 1h', '"1h" is derived itself'],
    ['    name: m1\n', '    name: 1h\n', 'is no identifier'],
    ['grain: 1h, derive_from: m1', 'grain: 1h, name: m1', 'a second rollup that would make table spans_rollup_m1'],
    ['dimensions: [kind]\n', 'dimensions: [kin]\n', 'there is no column "kin"'],
    ['dimensions: [kind]\n', 'dimensions: [kind, kind]\n', 'dimension "kind" stands twice'],
    ['dimensions: [kind]\n', 'dimensions: [id]\n', 'every rollup has of its own'],
    ['measures: [{ name: n, agg: count }]', 'measures: []', 'needs at least one measure'],
    ['{ name: n, agg: count }\n', '{ name: n n, agg: count }\n', 'is no identifier'],
    ['{ name: n, agg: count }\n', '{ name: kind, agg: count }\n', 'is the name of another column'],
    ['{ name: n, agg: count }\n', '{ name: n, agg: sum }\n', '"sum" needs a column'],
    [
      '{ name: n, agg: count }\n',
      '{ name: n, agg: avg }\n',
      'expected one of count, sum, min, max, tdigest, hll, not "avg"',
    ],
    ['{ name: n, agg: count }\n', '{ name: n, agg: count, filter: " " }\n', 'the filter is empty'],
    ['column: duration', 'column: id', 'tdigest needs a number'],
    ['column: duration', 'column: duratoin', 'there is no column "duratoin"'],
  ])('rollup rule: %s → %s', (from, to, why) => {
    expect(text).toContain(from)
    const view = problem(text.replace(from, to))
    expect(view.message).toContain(why)
    expect(view.message).toContain('rollups[')
    expect(view.where).toMatch(/^t\.yaml:\d+:\d+$/)
  })
})

describe('our own keys', () => {
  test('are read', () => {
    const schema = readTableSchema(
      table(
        'version: 3\ndescription: Things\nprimary_key: [a]\ntime_column: ts\nretention: 30d\ndelta: { properties: { x: 1 } }',
      ),
      't.yaml',
    )
    expect(schema).toMatchObject({
      version: 3,
      description: 'Things',
      primaryKey: ['a'],
      timeColumn: 'ts',
      retention: '30d',
      extensions: { delta: { properties: { x: 1 } } },
    })
    expect(schema.fields.map((field) => field.nullable)).toEqual([false, true, true, true, true])
  })

  test('the time column is "timestamp" only when there is such a column of time', () => {
    const read = (type: string) =>
      readTableSchema(`table_name: t\nfields: [{name: timestamp, data_type: ${type}}]`, 't.yaml').timeColumn
    expect(read('Date32')).toBe('timestamp')
    expect(read('Utf8')).toBeNull()
    expect(readTableSchema(table(), 't.yaml').timeColumn).toBeNull()
  })

  test('a clickhouse section gets its defaults and is checked', () => {
    const { extensions } = readTableSchema(table('clickhouse: { order_by: [a] }'), 't.yaml')
    expect(extensions.clickhouse).toEqual({
      engine: 'MergeTree',
      columns: {},
      materialized: [],
      aliases: [],
      indexes: [],
      order_by: ['a'],
      settings: {},
    })
    expect(problem(table('clickhouse: { order_bye: [a] }')).message).toContain('clickhouse.order_bye: unknown key')
    expect(problem(table('clickhouse: { order_by: [a], columns: { bb: { codec: T64 } } }'))).toMatchObject({
      message: 'clickhouse.columns.bb: there is no column "bb"',
      where: 't.yaml:2:41',
      hint: 'did you mean b?',
    })
    expect(problem(table('clickhouse: { order_by: [a], columns: { b: { kodec: T64 } } }')).hint).toBe(
      'did you mean codec?',
    )
    expect(
      problem(table('clickhouse: { order_by: [a], aliases: [{ name: a, type: String, expression: b }] }')).message,
    ).toContain('column "a" stands twice')
    expect(
      problem(table('clickhouse: { order_by: [a], indexes: [{ name: i, expression: a, type: minmax, since: 26 }] }'))
        .message,
    ).toContain('since: expected a text, not 26')
    expect(
      problem(table('clickhouse: { order_by: [a], indexes: [{ name: i, expression: a, type: minmax, since: new }] }'))
        .message,
    ).toContain('expected a ClickHouse version such as "26.2", not "new"')
    expect(problem(table('clickhouse: { order_by: [a], settings: { x: [1] } }')).message).toContain(
      'settings.x: expected a text, a number or true/false, not a list',
    )
  })
})

describe('every error names the place, the key and what is expected', () => {
  test.each([
    [
      'an unknown key',
      'partition: [a]',
      { where: 't.yaml:2:1', message: 'partition: unknown key', hint: 'did you mean partitions?' },
    ],
    [
      'a list for a text',
      'retention: [30d]',
      { where: 't.yaml:2:12', message: 'retention: expected a text, not a list' },
    ],
    ['a text for a list', 'partitions: a', { where: 't.yaml:2:13', message: 'partitions: expected a list, not "a"' }],
    ['a fraction', 'version: 1.5', { where: 't.yaml:2:10', message: 'version: expected a whole number, not 1.5' }],
    ['version 0', 'version: 0', { message: 'version: expected at least 1, not 0' }],
    [
      'an unknown column',
      'partitions: [c, aa]',
      {
        message: expect.stringContaining(
          '2 problems in table schema t.yaml\n  t.yaml:2:14: partitions[0]: there is no column "c"',
        ),
      },
    ],
    [
      'a near column',
      'z_order_columns: [sts]',
      { message: 'z_order_columns[0]: there is no column "sts"', hint: 'did you mean ts?' },
    ],
    ['a column twice', 'primary_key: [a, a]', { where: 't.yaml:2:18', message: 'primary_key[1]: "a" stands twice' }],
    [
      'a nullable key',
      'primary_key: [b]',
      { message: 'primary_key[0]: "b" is Int64; a key column is plain and has nullable: false' },
    ],
    ['a document as partition', 'partitions: [doc]', { message: expect.stringContaining('"doc" is Variant') }],
    [
      'sorting by a document',
      'sorting_columns: [{ name: doc }]',
      { where: 't.yaml:2:27', message: expect.stringContaining('sorting_columns[0].name: "doc" is Variant') },
    ],
    ['a Variant to dedup by', 'dedup_keys: [doc]', { message: expect.stringContaining('cannot be compared') }],
    ['a Variant as tiebreak', 'dedup_tiebreak: doc', { message: expect.stringContaining('cannot be compared') }],
    [
      'a tombstone that is no Boolean',
      'tombstone_column: a',
      { where: 't.yaml:2:19', message: expect.stringContaining('must be a nullable Boolean') },
    ],
    [
      'a time column of text',
      'time_column: a',
      { message: expect.stringContaining('must be a Timestamp or a Date32') },
    ],
    [
      'versions without keys',
      'version_append: true\ntombstone_column: gone',
      { message: 'version_append: needs dedup_keys and dedup_tiebreak too: they tell the versions of a row apart' },
    ],
    [
      'a retention without unit',
      'retention: "30"\ntime_column: ts',
      { where: 't.yaml:2:12', hint: 'such as 30d (ms, s, m, h, d or w)' },
    ],
    ['a retention of nothing', 'retention: 0d\ntime_column: ts', { message: 'retention: no row would be kept' }],
    ['a retention without time', 'retention: 30d', { message: 'retention: needs a time_column: rows age by it' }],
    [
      'a number that JSON has not',
      'delta: { x: .nan }',
      { where: 't.yaml:2:13', message: 'delta.x: expected a finite number' },
    ],
    [
      'a number that would be rounded',
      'delta: { x: [12345678901234567890] }',
      { message: expect.stringContaining('delta.x[0]: this number is too large') },
    ],
  ])('%s', (_what, keys, expected) => {
    const view = problem(table(keys))
    expect(view).toMatchObject({ kind: 'config', code: 'bad-schema', ...expected })
    expect(view.where).toMatch(/^t\.yaml:\d+:\d+$/)
  })

  test.each([
    ['an unknown type', '{ name: x, data_type: Utf9 }', '"Utf9"', 'did you mean Utf8?'],
    ['a type too long', `{ name: x, data_type: "${'List('.repeat(14_000)}" }`, 'longer than', undefined],
    ['a half type', '{ name: x, data_type: List(Utf8 }', '")" is missing', undefined],
    [
      'an unknown zone',
      `{ name: x, data_type: 'Timestamp(Second, Some("Mars/Olympus"))' }`,
      'is no time zone',
      undefined,
    ],
    [
      'a map by lists',
      `{ name: x, data_type: 'Map(List(Utf8), Utf8)' }`,
      'the key of a map must be a plain type',
      undefined,
    ],
    [
      'inner names by case',
      `{ name: x, data_type: 'List(Struct("q": Utf8, "Q": Utf8))' }`,
      'differ in case only',
      undefined,
    ],
    ['a hostile inner name', `{ name: x, data_type: 'Struct("a\\u0007": Utf8)' }`, 'cannot be seen', undefined],
    ['a column twice', '{ name: a, data_type: Utf8 }', 'column "a" stands twice', undefined],
    [
      'a column twice by case',
      '{ name: TS, data_type: Utf8 }',
      '"TS" differs from "ts" in upper and lower case only',
      undefined,
    ],
    ['no name', '{ name: "", data_type: Utf8 }', 'needs a name', undefined],
    ['a space around', '{ name: " x", data_type: Utf8 }', 'begins or ends with a space', undefined],
    [
      'an escape sequence',
      '{ name: "x\\e[2J", data_type: Utf8 }',
      '"x\\u001b[2J" holds characters that cannot be seen',
      undefined,
    ],
    ['a bidi override', '{ name: "x\\u202Ey", data_type: Utf8 }', 'cannot be seen', undefined],
    ['a very long name', `{ name: ${'x'.repeat(256)}, data_type: Utf8 }`, 'longer than 255 bytes', undefined],
    ['no type', '{ name: x }', 'is missing; expected a text', undefined],
    ['a number as name', '{ name: 5, data_type: Utf8 }', 'expected a text, not 5', undefined],
    [
      'text for a flag',
      '{ name: x, data_type: Utf8, nullable: "yes" }',
      'expected true or false, not "yes"',
      undefined,
    ],
    ['an unknown option', '{ name: x, data_type: Utf8, datatype: Utf8 }', 'unknown key', 'did you mean data_type?'],
    [
      'an unknown tokenizer',
      '{ name: x, data_type: Utf8, tantivy: { tokenizer: ngram } }',
      'expected one of raw, ngram3, default',
      'did you mean ngram3?',
    ],
    ['a text for a field', 'x', 'expected keys with values, not "x"', undefined],
  ])('field: %s', (_what, field, why, hint) => {
    const view = problem(table('', `  - ${field}`))
    expect(view.message).toContain('fields[5]')
    expect(view.message).toContain(why)
    if (hint !== undefined) expect(view.hint).toBe(hint)
    expect(view.where).toMatch(/^t\.yaml:9:\d+$/)
    expect(view.message).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/)
  })

  test('a table without name or columns', () => {
    expect(problem('fields: [{name: a, data_type: Utf8}]')).toMatchObject({
      where: 't.yaml:1:1',
      message: 'table_name: is missing; expected a text',
    })
    expect(problem('table_name: t\nfields: []')).toMatchObject({ where: 't.yaml:2:9', message: 'fields: is empty' })
    expect(problem('table_name: ../t\nfields: [{name: a, data_type: Utf8}]').message).toContain(
      '"../t" is no table name',
    )
    expect(problem('table_name: t\npartitions: [a]\nfields: [{name: a, data_type: Utf8}]').message).toContain(
      'every column is a partition column',
    )
    expect(problem('- a').message).toBe('expected keys with values, not a list')
    expect(problem('~').message).toBe('expected keys with values, not nothing')
  })

  test('many problems are shown at once, and not too many', () => {
    const fields = Array.from({ length: 30 }, (_, i) => `  - { name: c${i}, data_type: Bad }`).join('\n')
    const { message, where } = problem(`table_name: t\nfields:\n${fields}`)
    expect(message).toMatch(/^30 problems in table schema t.yaml\n {2}t\.yaml:3:\d+: fields\[0\]\.data_type: /)
    expect(message).toContain('… and 10 more')
    expect(where).toMatch(/^t\.yaml:3:/)
  })
})

describe('text that is no YAML, or too much of it', () => {
  test.each([
    ['duplicate keys', 'table_name: t\ntable_name: u\n', 't.yaml:2:1', 'duplicated mapping key'],
    ['an open list', 'fields: [1\n', 't.yaml:2:1', 'not valid YAML'],
    ['tabs', 'fields:\n\t- a\n', 't.yaml:2:', 'not valid YAML'],
    ['aliases', 'a: &x 1\nb: *x\n', 't.yaml:2:5', 'aliases (*name) are not supported'],
    ['a tag', 'a: !!js/function x\n', 't.yaml:1:4', 'unknown scalar tag'],
    ['NUL', 'a: \u0000', 't.yaml:1:4', 'null byte'],
    ['nothing', '', 't.yaml', 'the file is empty'],
    ['only a comment', '# x', 't.yaml', 'the file is empty'],
    ['two documents', 'a: 1\n---\nb: 2\n', 't.yaml', 'more than one document'],
    ['deep nesting', '['.repeat(50), 't.yaml:1:', 'not valid YAML'],
    ['a huge file', '#'.repeat(1024 * 1024 + 1), 't.yaml', 'larger than 1 MiB'],
  ])('%s', (_what, text, where, why) => {
    const view = problem(text)
    expect(view).toMatchObject({ kind: 'config', code: 'bad-yaml' })
    expect(view.where).toContain(where)
    expect(view.message).toContain(why)
  })

  test('Windows lines, a byte order mark and block texts keep the places right', () => {
    expect(
      problem(
        '\uFEFFtable_name: t\r\ndescription: |\r\n  two\r\n  lines\r\nretention: [1]\r\nfields: [{name: a, data_type: Utf8}]',
      ).where,
    ).toBe('t.yaml:5:12')
  })

  test('keys of Object.prototype are keys like others', () => {
    expect(problem(table('__proto__: { x: 1 }')).message).toBe('__proto__: unknown key')
    expect(problem(table('constructor: 1')).message).toBe('constructor: unknown key')
    expect(problem(table('delta: { __proto__: { x: 1 } }'))).toMatchObject({
      message: '"__proto__" cannot be a key',
      where: 't.yaml:2:10',
    })
  })
})
