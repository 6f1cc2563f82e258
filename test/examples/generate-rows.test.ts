import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { generateRows, schemas } from '../../examples/generate-rows.ts'
import { openRegistry } from '../../src/schemas/registry.ts'
import { runProgram } from './run-program.ts'

const request = { rows: 300, seed: 7, from: new Date('2026-01-01T00:00:00Z') }
const script = fileURLToPath(new URL('../../examples/generate-rows.ts', import.meta.url))
const generate = (...argv: string[]) => runProgram(process.execPath, [script, ...argv], { PATH: process.env.PATH })

describe.each(schemas)('rows of %s', (schema) => {
  const rows = [...generateRows(schema, request)]

  it('are the same for a seed and others for another', () => {
    expect([...generateRows(schema, request)]).toEqual(rows)
    expect([...generateRows(schema, { ...request, seed: 8 })]).not.toEqual(rows)
  })

  it('come in order of time and fill three days', () => {
    const times = rows.map((row) => String(row.timestamp))
    expect(times.toSorted()).toEqual(times)
    expect(new Set(times.map((time) => time.slice(0, 10)))).toEqual(new Set(['2026-01-01', '2026-01-02', '2026-01-03']))
  })

  it('use the columns of the shipped schema, and only those', async () => {
    const { fields } = await openRegistry([]).get(schema)
    const names = new Set(fields.map((field) => field.name))
    expect(rows.flatMap((row) => Object.keys(row)).filter((name) => !names.has(name))).toEqual([])
    // The load fills these two.
    const required = fields.filter((field) => !field.nullable && !['date', 'project_id'].includes(field.name))
    for (const row of rows) expect(required.filter((field) => row[field.name] === undefined)).toEqual([])
  })
})

describe('the command', () => {
  it('writes NDJSON: as many rows as asked for, from the time asked for', async () => {
    const { status, stdout } = await generate('events', '--rows', '3', '--seed', '5', '--from', '2025-12-31T00:00:00Z')
    const lines = stdout.trimEnd().split('\n')
    expect(status).toBe(0)
    expect(lines.map((line) => JSON.parse(line).timestamp.slice(0, 10))).toEqual([
      '2025-12-31',
      '2026-01-01',
      '2026-01-02',
    ])
  })

  it.each([
    [['evnts', '--rows', '1'], 'SCHEMA is one of otel_logs_and_spans, metrics, events'],
    [['events'], '--rows is a whole number'],
    [['events', '--rows', '-1'], '--rows'],
    [['events', '--rows', '1', '--seed', 'x'], '--seed is a whole number'],
    [['events', '--rows', '1', '--from', 'noon'], '--from is a time'],
    [['events', '--rows', '1', '--bogus'], '--bogus'],
  ])('says what is wrong with %j', async (argv, message) => {
    const { status, stdout, stderr } = await generate(...argv)
    expect({ status, stdout }).toEqual({ status: 64, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('    at ')
  })
})
