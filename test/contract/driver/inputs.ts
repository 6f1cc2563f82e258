/** Table schemas and input rows of the driver contract. */

const things = (name: string, more = '') => `table_name: ${name}
version: 1
partitions: [date]
time_column: at
fields:
  - { name: at, data_type: 'Timestamp(Microsecond, Some("UTC"))', nullable: false }
  - { name: id, data_type: Int64, nullable: false }
  - { name: name, data_type: Utf8, nullable: true, description: 'what it is called' }
  - { name: value, data_type: Float64, nullable: true }
  - { name: project_id, data_type: Utf8, nullable: false }
  - { name: date, data_type: Date32, nullable: false }
${more}`

export const schemas: Readonly<Record<string, string>> = {
  things: things('things'),
  other: things('other', '  - { name: extra, data_type: Utf8, nullable: true }\n'),
  plain: `table_name: plain
version: 1
fields:
  - { name: id, data_type: Int64, nullable: false }
  - { name: note, data_type: Utf8, nullable: true }
`,
}

/** A row of `things`, without what follows from it (`date`) and from the ref (`project_id`). */
export const thing = (id: number, more: object = {}): string =>
  `${JSON.stringify({ at: `2024-05-0${1 + (id % 2)}T10:00:00Z`, id, name: `thing ${id}`, value: id / 4, ...more })}\n`

/** 3 rows, 2 rows and 2 rows, over two days. */
export const ndjsonRows = thing(1) + thing(2, { name: null }) + thing(3, { name: 'ü😀"\\' })
export const csvRows = 'id,at,name,value\n4,2024-05-01T10:00:00Z,"a, ""quoted"" one",1.5\n5,2024-05-02T10:00:00Z,,\n'
export const parquetRows = `SELECT i AS id, 'parquet ' || i AS name, i / 4.0::DOUBLE AS value,
  TIMESTAMPTZ '2024-05-02 10:00:00Z' AS at FROM (VALUES (6::BIGINT), (7)) AS v(i)`
export const allInputs = ['a.ndjson', 'b.csv', 'c.parquet']
export const allRows = 7
