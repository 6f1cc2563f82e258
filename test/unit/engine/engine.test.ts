import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { errorView, fail } from '../../../src/core/errors.ts'
import { openEngine, readingFiles } from '../../../src/engine/engine.ts'
import { engineError } from '../../../src/engine/engine-error.ts'
import { quoteString } from '../../../src/engine/sql-text.ts'
import { errorOf, rowsOf, useEngine } from './support.ts'

const held = useEngine()
const endless = 'SELECT count(*) FROM range(100000000000) a, range(100) b WHERE hash(a.range + b.range) = 5'

describe('an engine', () => {
  test('speaks UTC, keeps 64 bits and runs with its budget', async () => {
    const [row] = await held.engine.all(
      "SELECT current_setting('TimeZone') AS zone, 9223372036854775807 AS big, current_setting('memory_limit') AS memory, 1 AS a, 2 AS a",
    )
    expect(row).toEqual({ zone: 'UTC', big: 9223372036854775807n, memory: '192.0 MiB', a: 1, 'a:1': 2 })
  })

  test('has no extensions to install and loads none by itself', async () => {
    const names = ['autoinstall_known_extensions', 'autoload_known_extensions', 'allow_community_extensions']
    for (const name of names)
      expect(await held.engine.all(`SELECT current_setting(${quoteString(name)}) AS v`)).toEqual([{ v: false }])
  })

  test('streams while other statements run', async () => {
    const stream = await held.engine.stream('SELECT range AS n FROM range(10000)')
    const numbers: unknown[] = []
    for await (const batch of stream.batches) {
      expect(batch.rows).toBeLessThanOrEqual(2048)
      expect(await held.engine.all('SELECT 1 AS one')).toEqual([{ one: 1 }])
      numbers.push(...batch.columns[0]!)
    }
    expect(numbers).toEqual(Array.from({ length: 10_000 }, (_, i) => BigInt(i)))
  })

  test('a stream can be left early', async () => {
    await using stream = await held.engine.stream('SELECT range AS n FROM range(100000000)')
    for await (const batch of stream.batches) {
      expect(batch.rows).toBeGreaterThan(0)
      break
    }
  })

  test('declared fields must be as many as the columns', async () => {
    await expect(held.engine.stream('SELECT 1 AS a, 2 AS b', [])).rejects.toThrow('0 fields declared')
  })

  test('an abort interrupts what runs and refuses what comes, with its reason', async () => {
    const control = new AbortController()
    const reason = new Error('enough')
    await using engine = await openEngine({ scratch: held.folder, signal: control.signal })
    const stream = await engine.stream('SELECT range FROM range(100000000)')
    const running = engine.all(endless)
    setTimeout(() => control.abort(reason), 20)
    await expect(running).rejects.toBe(reason)
    await expect(rowsOf(stream)).rejects.toBe(reason)
    await expect(engine.run('SELECT 1')).rejects.toBe(reason)
    await expect(openEngine({ scratch: held.folder, signal: control.signal })).rejects.toBe(reason)
  })

  test('disposing ends what runs and removes its folder; twice is once', async () => {
    const engine = await openEngine({ scratch: join(held.folder, 'deep', 'scratch'), threads: 1 })
    await writeFile(join(engine.directory, 'left'), 'x')
    const running = expect(engine.all(endless)).rejects.toThrow()
    await new Promise((resolve) => setTimeout(resolve, 20))
    await engine[Symbol.asyncDispose]()
    await engine[Symbol.asyncDispose]()
    await running
    expect(existsSync(engine.directory)).toBe(false)
    expect(await readdir(join(held.folder, 'deep', 'scratch'))).toEqual([])
    await expect(engine.run('SELECT 1')).rejects.toThrow('disposed')
  })

  test('spills inside its own folder, and says so when memory is not enough', async () => {
    await using engine = await openEngine({ scratch: held.folder, memoryLimit: 40 * 1024 * 1024 })
    const sorted =
      "SELECT sum(hash(s)) AS h FROM (SELECT repeat('x', 40) || range AS s FROM range(800000) ORDER BY hash(range))"
    expect(await engine.all(sorted)).toHaveLength(1)
    const error = await errorOf(engine.all('SELECT list(md5(range::VARCHAR)) AS l FROM range(10000000)'))
    expect(error).toMatchObject({ kind: 'failed', code: 'engine-memory' })
    expect(error.hint).toMatch(/--target-size .* --commit-rows /)
    expect(error.message).not.toMatch(/SET /)
  })
})

describe('errors', () => {
  test('a full disk', async () => {
    const error = await errorOf(held.engine.run("COPY (SELECT * FROM range(100)) TO '/dev/full' (FORMAT parquet)"))
    expect(error).toMatchObject({ kind: 'failed', code: 'disk-full', retry: 'resume' })
  })

  test.each([
    ['not Parquet', Buffer.from('hello, I am no Parquet file at all')],
    ['empty', Buffer.alloc(0)],
  ])('a file that is %s', async (_, bytes) => {
    const path = await held.file('broken.parquet', bytes)
    const error = await errorOf(held.engine.all(`SELECT * FROM read_parquet(${quoteString(path)})`))
    expect(error).toMatchObject({ kind: 'data', code: 'corrupt-file', where: path })
  })

  test('a damaged footer is traced to its file, a damaged page too', async () => {
    const good = join(held.folder, 'good.parquet')
    await held.engine.run(
      `COPY (SELECT range AS a, md5(range::VARCHAR) AS b FROM range(5000)) TO ${quoteString(good)} (FORMAT parquet, COMPRESSION zstd)`,
    )
    const bytes = await readFile(good)
    const footer = Buffer.from(bytes).fill(7, bytes.length - 120, bytes.length - 20)
    const page = Buffer.from(bytes).fill(255, 40, 400)
    const truncated = bytes.subarray(0, bytes.length - 50)
    for (const damage of [footer, page, truncated]) {
      const bad = await held.file('bad.parquet', damage)
      const read = (): Promise<unknown> =>
        readingFiles(held.engine, [good, bad], () =>
          held.engine.all(`SELECT count(hash(f)) FROM read_parquet([${quoteString(good)}, ${quoteString(bad)}]) AS f`),
        )

      expect(await errorOf(read)).toMatchObject({ kind: 'data', code: 'corrupt-file', where: bad })
    }
  })

  test('a file that is not there', async () => {
    const error = await errorOf(held.engine.all(`SELECT * FROM read_parquet('${held.folder}/nowhere.parquet')`))
    expect(error).toMatchObject({ kind: 'missing', code: 'file-missing', where: `${held.folder}/nowhere.parquet` })
  })

  test('a value that does not fit, an odd I/O error, and what is not the engine’s', async () => {
    expect(await errorOf(held.engine.all("SELECT 'x'::INTEGER"))).toMatchObject({ kind: 'data', code: 'bad-value' })
    expect(errorView(engineError(new Error('IO Error: Could not read "x": Input/output error')))).toMatchObject({
      code: 'engine-io',
    })
    const ours = fail('busy', 'busy', 'busy')
    expect(engineError(ours)).toBe(ours)
    expect(engineError('text')).toBe('text')
    // A statement that we wrote wrongly is a bug, not the user's mistake.
    expect(await errorOf(held.engine.all('SELEC 1'))).toMatchObject({ kind: 'bug' })
  })

  test('other errors pass through unchanged when files are read', async () => {
    const ours = fail('busy', 'busy', 'busy')
    await expect(readingFiles(held.engine, [], async () => Promise.reject(ours))).rejects.toBe(ours)
    const odd = fail('data', 'corrupt-file', 'damaged', { cause: new Error('IO Error: footer') })
    await expect(readingFiles(held.engine, [], async () => Promise.reject(odd))).rejects.toBe(odd)
  })
})
