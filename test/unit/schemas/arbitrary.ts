/** Random table schemas, each one that the reader accepts. */
import fc from 'fast-check'
import type { TableSchema } from '../../../src/core/table-schema.ts'
import type { DataType, Field } from '../../../src/core/types.ts'
import { columnNameProblem } from '../../../src/schemas/column.ts'

const columnName = fc
  .oneof(
    { weight: 2, arbitrary: fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }) },
    fc.constantFrom(
      'null',
      'true',
      '1',
      '-',
      '? x',
      '- a',
      'a: b',
      '#x',
      '"',
      "'",
      '__proto__',
      'constructor',
      '%',
      '*a',
      '&a',
      '!!str',
      '~',
    ),
  )
  .filter((name) => columnNameProblem(name) === null)

const plainType = fc.oneof(
  fc
    .constantFrom(
      'Boolean',
      'Int8',
      'Int16',
      'Int32',
      'Int64',
      'UInt8',
      'UInt64',
      'Float32',
      'Float64',
      'Utf8',
      'Binary',
      'Date32',
    )
    .map((kind) => ({ kind }) as DataType),
  fc.constantFrom(
    { kind: 'Decimal128' as const, precision: 10, scale: 2 },
    { kind: 'Timestamp' as const, unit: 'Microsecond' as const, zone: 'UTC' },
    { kind: 'Timestamp' as const, unit: 'Nanosecond' as const, zone: null },
  ),
)
const { type } = fc.letrec<{ type: DataType }>((tie) => ({
  type: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    plainType,
    fc.constantFrom('Json' as const, 'Variant' as const).map((kind) => ({ kind })),
    fc.record({ kind: fc.constant('List' as const), item: tie('type'), itemNullable: fc.boolean() }),
    fc.record({ kind: fc.constant('Map' as const), key: plainType, value: tie('type'), valueNullable: fc.boolean() }),
    fc
      .uniqueArray(fc.record({ name: columnName, type: tie('type'), nullable: fc.boolean() }), {
        minLength: 1,
        maxLength: 3,
        selector: (field: Field) => field.name.normalize('NFC').toLowerCase(),
      })
      .map((fields) => ({ kind: 'Struct' as const, fields })),
  ),
}))

/** JSON as it is kept: no -0, no integer that JavaScript rounds. */
const exact = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, v) => (typeof v === 'number' && Number.isInteger(v) && !Number.isSafeInteger(v) ? 0 : v)),
  )
const isPlain = (field: Field) => !['Json', 'Variant', 'List', 'Map', 'Struct'].includes(field.type.kind)
const text = fc.string({ unit: 'grapheme', maxLength: 40 })

export const tableSchema: fc.Arbitrary<TableSchema> = fc
  .uniqueArray(
    fc.record(
      { name: columnName, type, nullable: fc.boolean(), description: text },
      { requiredKeys: ['name', 'type', 'nullable'] },
    ),
    { minLength: 2, maxLength: 8, selector: (field: Field) => field.name.normalize('NFC').toLowerCase() },
  )
  .chain((fields) => {
    const names = (fits: (field: Field) => boolean, maxLength = 3) =>
      fc.shuffledSubarray(
        fields.filter(fits).map((field) => field.name),
        { maxLength: Math.min(maxLength, fields.filter(fits).length) },
      )
    const one = (fits: (field: Field) => boolean) => names(fits, 1).map(([name]) => name ?? null)
    const isTime = (field: Field) => field.type.kind === 'Timestamp' || field.type.kind === 'Date32'
    const json = fc
      .dictionary(text, fc.jsonValue({ maxDepth: 2 }).map(exact), { maxKeys: 3 })
      .filter((value) => !JSON.stringify(value).includes('"__proto__":')) // refused by name, see read.test.ts
    return fc
      .record({
        name: fc.constantFrom('metrics', 'a.b-c', '_x', '1'),
        version: fc.integer({ min: 1, max: 1e9 }),
        description: fc.option(text, { nil: null }),
        fields: fc.constant(fields),
        partitions: names(isPlain, 1),
        sortingColumns: names(isPlain).chain((columns) =>
          fc.tuple(
            ...columns.map((name) =>
              fc.record({ name: fc.constant(name), descending: fc.boolean(), nullsFirst: fc.boolean() }),
            ),
          ),
        ),
        zOrderColumns: names(isPlain),
        primaryKey: names((field) => isPlain(field) && !field.nullable),
        timeColumn: one(isTime),
        retention: fc.constantFrom(null, '30d', '1w', '1.5h'),
        dedupKeys: names((field) => field.type.kind !== 'Variant'),
        dedupTiebreak: one((field) => field.type.kind !== 'Variant'),
        tombstoneColumn: one((field) => field.type.kind === 'Boolean' && field.nullable),
        versionAppend: fc.boolean(),
        extensions: fc.record(
          {
            delta: json,
            'user-tables': json,
            fields: fc.constant({ [fields[0]!.name]: { bloom_filter: true, tantivy: { indexed: true } } }),
          },
          { requiredKeys: [] },
        ),
      })
      .map((schema) => ({
        ...schema,
        retention: schema.timeColumn === null ? null : schema.retention,
        versionAppend:
          schema.versionAppend &&
          schema.dedupKeys.length > 0 &&
          schema.dedupTiebreak !== null &&
          schema.tombstoneColumn !== null,
      })) as fc.Arbitrary<TableSchema>
  })
