/** A folder with a config of one ClickHouse backend, `ch`, and a driver opened on it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Tblctl } from '../../src/api/open.ts'
import { openIn } from '../support/open.ts'

export interface ClickhouseWorld extends AsyncDisposable {
  readonly folder: string
  readonly tblctl: Tblctl
  write(name: string, text: string): string
}

/** `backend`: in YAML's flow form. */
export async function clickhouseWorld(backend: string): Promise<ClickhouseWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'tblctl-clickhouse-world-'))
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return name
  }
  write('tblctl.yaml', `version: 1\nbackends:\n  ch: ${backend}\n`)
  const tblctl = await openIn(folder)
  return {
    folder,
    tblctl,
    write,
    [Symbol.asyncDispose]: async () => {
      await tblctl[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
