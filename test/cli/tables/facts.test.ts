import picocolors from 'picocolors'
import { expect, it } from 'vitest'
import { describeLines } from '../../../src/cli/output/describe.ts'
import { factSections } from '../../../src/cli/tables/facts.ts'
import type { JsonObject } from '../../../src/core/json.ts'

const lines = (facts: JsonObject, unknown?: Record<string, string>) =>
  describeLines(factSections('Status', facts, unknown), {
    isTTY: false,
    width: () => null,
    colors: picocolors.createColors(false),
    stream: process.stdout,
  })

it('shows what a driver counts: sizes by their unit, lists of objects as tables, unknown with its reason', () => {
  expect(
    lines(
      {
        rows: null,
        rowsUnknown: 'no statistics',
        bytes: 12_300_000,
        hotRows: null,
        lag: null,
        nested: { a: [1] },
        left: undefined,
        shardCopies: [
          { id: 1, node: 'n1', bytes: 2000, tags: ['x'] },
          { id: 22, node: null, bytes: 1_000_000 },
        ],
        none: [],
      },
      { hotRows: 'the node is down' },
    ),
  ).toEqual([
    'Status',
    '  Rows      ? (no statistics)',
    '  Bytes     12.3 MB',
    '  Hot rows  ? (the node is down)',
    '  Lag       -',
    '  Nested    {"a":[1]}',
    '  None      []',
    '',
    'Shard copies',
    '  ID  NODE  BYTES  TAGS',
    '   1  n1     2 KB  ["x"]',
    '  22  -      1 MB  -',
  ])
  expect(lines({})).toEqual([])
})
