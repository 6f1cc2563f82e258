/** Tables that Spark wrote, from Delta's own compatibility suite, at the level of the log; their rows are compared in test/delta/golden.test.ts. */
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readSnapshot, type Snapshot } from '../../../src/drivers/delta/log/snapshot.ts'
import { numRecordsOf } from '../../../src/drivers/delta/log/stats.ts'
import { openEngine } from '../../../src/engine/engine.ts'
import { scanSql } from '../../../src/engine/scan.ts'
import { openLocalStore } from '../../../src/storage/local.ts'
import { temporaryFolder } from './fixture.ts'

const data = fileURLToPath(new URL('../../../../shared/data', import.meta.url))

/** How each table ends: its number of live files and version, or the error that names what is in the way. */
const tables: Readonly<Record<string, { version: number; files: number } | { error: string; says: string } | 'none'>> =
  {
    '124-decimal-decode-bug': { version: 0, files: 2 },
    'basic-decimal-table': { version: 0, files: 4 },
    'basic-with-inserts-deletes-checkpoint': { version: 13, files: 7 },
    'basic-with-inserts-overwrite-restore': { version: 3, files: 4 },
    'basic-with-vacuum-protocol-check-feature': { version: 1, files: 2 },
    'canonicalized-paths-normal-b': { error: 'path-outside-table', says: 'is absolute' },
    'canonicalized-paths-special-b': { error: 'path-outside-table', says: 'is absolute' },
    'corrupted-last-checkpoint-kernel': { version: 11, files: 2 },
    'data-reader-array-complex-objects': { version: 0, files: 2 },
    'data-reader-date-types-America': { version: 0, files: 2 },
    'data-reader-date-types-Etc': { version: 0, files: 2 },
    'data-reader-date-types-Jst': { version: 0, files: 2 },
    'data-reader-date-types-utc': { version: 0, files: 2 },
    'data-reader-map': { version: 0, files: 2 },
    'data-reader-nullable-field-invalid-schema-key': { version: 0, files: 2 },
    'data-reader-primitives': { version: 0, files: 2 },
    'data-reader-timestamp_ntz-id-mode': { version: 1, files: 4 },
    'data-skipping-basic-stats-all-types': { version: 0, files: 1 },
    'data-skipping-basic-stats-all-types-columnmapping-id': { version: 0, files: 1 },
    'data-skipping-change-stats-collected-across-versions': { version: 4, files: 3 },
    'decimal-various-scale-precision': { version: 0, files: 1 },
    'deltalog-commit-info': { error: 'bad-schema', says: 'no schema' },
    'deltalog-invalid-protocol-version': { error: 'delta-feature', says: 'reader version 99' },
    'deltalog-state-reconstruction-from-checkpoint-missing-protocol': {
      error: 'corrupt-checkpoint',
      says: 'names no protocol',
    },
    'deltalog-state-reconstruction-without-protocol': { error: 'no-protocol', says: 'names no protocol' },
    'dv-with-columnmapping': { version: 15, files: 15 },
    'kernel-timestamp-int96': { version: 0, files: 5 },
    'kernel-timestamp-timestamp_micros': { version: 0, files: 5 },
    'log-replay-dv-key-cases': { version: 3, files: 1 },
    'log-replay-special-characters': { version: 1, files: 0 },
    'log-replay-special-characters-b': { version: 0, files: 1 },
    'no-delta-log-folder': 'none',
    'parquet-all-types': { version: 0, files: 1 },
    'snapshot-data0': { version: 0, files: 2 },
    'snapshot-data2': { version: 2, files: 2 },
    'snapshot-data3': { version: 3, files: 4 },
    'snapshot-vacuumed': { version: 5, files: 2 },
    'table-with-columnmapping-mode-name': { version: 0, files: 2 },
    'time-travel-partition-changes-b': { version: 1, files: 4 },
    'time-travel-schema-changes-b': { version: 1, files: 4 },
    'time-travel-start-start20': { version: 1, files: 4 },
    'update-deleted-directory': { error: 'bad-schema', says: 'no schema' },
    'v2-checkpoint-parquet': { version: 2, files: 4 },
  }

describe.runIf(existsSync(data))('tables that others wrote', () => {
  it('are all accounted for', async () => {
    expect((await readdir(join(data, 'delta'))).toSorted()).toEqual(Object.keys(tables).toSorted())
  })

  for (const [name, expected] of Object.entries(tables))
    it(name, async () => {
      const scratch = await temporaryFolder()
      const store = openLocalStore(join(data, 'delta', name, 'delta'))
      if (expected === 'none') {
        expect(await readSnapshot(store, '', { scratch })).toBeUndefined()
        return
      }
      if ('error' in expected) {
        const reading = readSnapshot(store, '', { scratch })
        await expect(reading).rejects.toMatchObject({ view: { code: expected.error } })
        await expect(reading).rejects.toThrow(expected.says)
        return
      }
      const snapshot = (await readSnapshot(store, '', { scratch }))!
      expect({ version: snapshot.version, files: snapshot.files.size }).toEqual(expected)
    })

  it('covid-nyt: every row of eight files', async () => {
    const scratch = await temporaryFolder()
    const store = openLocalStore(data)
    const snapshot = (await readSnapshot(store, 'covid-nyt', { scratch }))!
    expect(snapshot.version).toBe(0)
    expect(snapshot.files.size).toBe(8)
    const rows = [...snapshot.files.values()].reduce((sum, file) => sum + numRecordsOf(file.stats)!, 0)
    expect(rows).toBe(1_111_930)
    await using engine = await openEngine({ scratch })
    const [counted] = await engine.all(
      `SELECT count(*) AS n FROM (${select(snapshot, (path) => store.localPath(`covid-nyt/${path}`)!)})`,
    )
    expect(counted?.n).toBe(1_111_930n)
  })
})

function select(snapshot: Snapshot, locate: (path: string) => string): string {
  const files = [...snapshot.files.values()].map((file) => ({
    path: locate(file.path),
    partitionValues: file.partitionValues,
  }))
  return scanSql({ files, fields: snapshot.fields, partitions: snapshot.metadata.partitionColumns })
}
