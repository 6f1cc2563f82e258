/** A folder that is put back as it was, in its place: the catalog knows tables by their absolute paths. */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The folder itself stays, for whoever works in it; times of files are kept. */
export function saved(folder: string): Disposable & { restore(): Disposable } {
  const copy = mkdtempSync(join(tmpdir(), 'tblctl-saved-'))
  cpSync(folder, copy, { recursive: true, preserveTimestamps: true })
  return {
    restore() {
      for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true })
      cpSync(copy, folder, { recursive: true, preserveTimestamps: true })
      return { [Symbol.dispose]: () => {} }
    },
    [Symbol.dispose]: () => rmSync(copy, { recursive: true }),
  }
}
