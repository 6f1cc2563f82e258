/** Tables that are broken, and logs that lie: every verb says which file, and nothing is changed. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import { type ErrorView, errorView } from '../../src/core/errors.ts'
import { paddedVersion } from '../../src/drivers/delta/log/paths.ts'
import { commitAs, create, Lake, liveOf, loadInto, logOf, optimize, rowsOf } from './world.ts'

const schemas = { plain: "table_name: plain\nfields:\n  - { name: id, data_type: 'Int64', nullable: true }\n" }
const ref = 'lake:acme/t'

async function world() {
  const lake = new Lake(schemas)
  const tblctl = await lake.open()
  await create(tblctl, ref, 'plain')
  lake.rows(
    'a.ndjson',
    Array.from({ length: 1000 }, (_, id) => ({ id })),
  )
  for (const again of [false, true]) await loadInto(tblctl, lake.folder, ref, ['a.ndjson'], { again })
  const table = lake.table('t')
  const file = (i: number): string => join(table, liveOf(table)[i]!.path)
  return { lake, tblctl, table, file, [Symbol.asyncDispose]: () => lake[Symbol.asyncDispose]() }
}
type World = Awaited<ReturnType<typeof world>>
const commitFile = (table: string, version: number): string =>
  join(table, '_delta_log', `${paddedVersion(version)}.json`)

async function errorOf(work: Promise<unknown>): Promise<ErrorView | undefined> {
  try {
    const item = (await work) as { error?: ErrorView }
    return item.error
  } catch (error) {
    return errorView(error)
  }
}
function contentOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => `${path} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`)
    .sort()
}
const verbs: Readonly<Record<string, (lake: Lake, tblctl: Tblctl) => Promise<unknown>>> = {
  describe: (_lake, tblctl) => tblctl.describe(ref),
  stats: (_lake, tblctl) => tblctl.stats({ refs: [ref] }),
  exact: (_lake, tblctl) => tblctl.stats({ refs: [ref] }, true),
  query: (_lake, tblctl) => rowsOf(tblctl, ref, 'select sum(id) from t'),
  export: (lake, tblctl) => tblctl.export(ref, { format: 'ndjson', out: lake.path('out.ndjson') }),
  load: (lake, tblctl) => loadInto(tblctl, lake.folder, ref, ['a.ndjson'], { again: true }),
  optimize: (_lake, tblctl) => optimize(tblctl, ref),
  dry: async (_lake, tblctl) => (await tblctl.operate('optimize', { refs: [ref] }, {}, true)).items[0],
}
const all = Object.keys(verbs)
const readers = ['exact', 'query', 'export', 'optimize']

const damages: readonly {
  readonly name: string
  readonly harm: (world: World) => void
  readonly fails: readonly string[]
  readonly error: (world: World) => object
}[] = [
  {
    name: 'a commit that is no JSON',
    harm: ({ table }) => writeFileSync(commitFile(table, 1), '{"commitInfo":{}}\n{"add": '),
    fails: all,
    error: ({ table }) => ({ kind: 'data', code: 'corrupt-commit', where: `${commitFile(table, 1)}:2` }),
  },
  {
    name: 'a commit of zeros, as a crashed file system leaves it',
    harm: ({ table }) => writeFileSync(commitFile(table, 2), Buffer.alloc(500)),
    fails: all,
    error: ({ table }) => ({ kind: 'data', code: 'corrupt-commit', where: `${commitFile(table, 2)}:1` }),
  },
  {
    name: 'an action that is not what it must be',
    harm: ({ table }) => commitAs(table, [{ add: { path: 7 } }]),
    fails: all,
    error: ({ table }) => ({ kind: 'data', code: 'corrupt-commit', where: `${commitFile(table, 3)}:1` }),
  },
  {
    name: 'a gap in the log',
    harm: ({ table }) => rmSync(commitFile(table, 1)),
    fails: all,
    error: () => ({ kind: 'data', code: 'log-gap', message: expect.stringContaining('version 1') }),
  },
  {
    name: 'no log',
    harm: ({ table }) => rmSync(join(table, '_delta_log'), { recursive: true }),
    fails: all,
    error: () => ({ kind: 'missing', code: 'no-delta-table', message: expect.stringContaining(ref) }),
  },
  {
    name: 'a path out of the table',
    harm: ({ lake, table }) => {
      lake.rows('secret.parquet', [])
      commitAs(table, [
        {
          add: {
            path: '../../../../secret.parquet',
            partitionValues: {},
            size: 1,
            modificationTime: 1,
            dataChange: true,
          },
        },
      ])
    },
    fails: all,
    error: () => ({ kind: 'data', code: 'path-outside-table', message: expect.stringContaining('secret.parquet') }),
  },
  {
    name: 'a data file that is missing',
    harm: ({ file }) => rmSync(file(0)),
    fails: readers,
    error: () => ({ kind: 'missing', code: 'file-missing', where: expect.stringContaining('.parquet') }),
  },
  {
    name: 'a data file without its end',
    harm: ({ file }) => truncateSync(file(1), 300),
    fails: readers,
    error: ({ file }) => ({ kind: 'data', code: 'corrupt-file', where: file(1) }),
  },
  {
    name: 'a data file with other bytes in its middle',
    harm: ({ file }) => {
      const bytes = readFileSync(file(1))
      writeFileSync(file(1), bytes.fill(0x5a, 4, 200))
    },
    fails: ['query', 'export', 'optimize'],
    error: ({ file }) => ({ kind: 'data', code: 'corrupt-file', where: file(1) }),
  },
  {
    name: 'a data file that is a link to one outside the root',
    harm: ({ lake, file }) => {
      renameSync(file(0), lake.path('outside.parquet'))
      symlinkSync(lake.path('outside.parquet'), file(0))
    },
    fails: readers,
    error: ({ file }) => ({ kind: 'data', code: 'outside-root', message: expect.stringContaining(basename(file(0))) }),
  },
]

describe('a table with', () => {
  it.each(damages)('$name', async ({ harm, fails, error }) => {
    await using made = await world()
    const { lake, table } = made
    harm(made)
    await using tblctl = await lake.open() // a run that has not read the table yet
    const before = contentOf(table)
    for (const verb of all) {
      if (!fails.includes(verb)) continue
      expect(await errorOf(verbs[verb]!(lake, tblctl)), verb).toMatchObject(error(made))
      expect(contentOf(table), verb).toEqual(before)
      expect(readdirSync(lake.folder), verb).not.toContain('out.ndjson')
    }
    for (const verb of all.filter((each) => !fails.includes(each)))
      expect(await errorOf(verbs[verb]!(lake, tblctl)), verb).toBeUndefined()
  })
})

describe('an input that is broken', () => {
  it.each([
    ['cut', (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1), 'corrupt-file'],
    ['damaged', (bytes: Buffer) => bytes.fill(0x5a, 4, 200), 'corrupt-file'],
    ['empty', () => Buffer.alloc(0), 'corrupt-file'],
  ])('%s Parquet is named, and nothing is loaded', async (_what, harm, code) => {
    await using made = await world()
    const { lake, tblctl, table, file } = made
    lake.write('in.parquet', harm(Buffer.from(readFileSync(file(0)))))
    const before = contentOf(table)
    const { error } = await loadInto(tblctl, lake.folder, ref, ['in.parquet'])
    expect(error).toMatchObject({ kind: 'data', code, where: lake.path('in.parquet') })
    expect(contentOf(table)).toEqual(before)
    expect(logOf(table)).toHaveLength(3)
  })
})
