import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readTableSchema } from '../../../src/schemas/read.ts'
import { openRegistry } from '../../../src/schemas/registry.ts'
import { writeTableSchema } from '../../../src/schemas/write.ts'
import { tableSchema } from './arbitrary.ts'

test('what is written reads back equal', () => {
  fc.assert(
    fc.property(tableSchema, (schema) => {
      const text = writeTableSchema(schema)
      expect(readTableSchema(text, 'x.yaml')).toEqual(schema)
    }),
    { numRuns: 300 },
  )
})

test('every shipped schema reads back equal', async () => {
  const registry = openRegistry([])
  for (const { name } of (await registry.list()).schemas) {
    const schema = await registry.get(name)
    expect(readTableSchema(writeTableSchema(schema), name)).toEqual(schema)
  }
})

test('a field is a line', () => {
  const schema = readTableSchema(
    'table_name: t\nfields: [{name: a, data_type: Int64, nullable: false}, {name: b, data_type: Utf8, description: free text}]',
    't.yaml',
  )
  expect(writeTableSchema(schema)).toBe(`table_name: t
version: 1
partitions: []
sorting_columns: []
z_order_columns: []
fields:
  - { name: a, data_type: Int64, nullable: false }
  - { name: b, data_type: Utf8, nullable: true, description: free text }
`)
})

test('no time column stays none where one would be taken', () => {
  const text =
    'table_name: t\ntime_column: null\nfields: [{name: timestamp, data_type: Date32}, {name: b, data_type: Utf8}]'
  const schema = readTableSchema(text, 't.yaml')
  expect(schema.timeColumn).toBeNull()
  expect(readTableSchema(writeTableSchema(schema), 't.yaml').timeColumn).toBeNull()
})
