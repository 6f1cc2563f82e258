/** Files that a command writes besides tables: never into the log of one, where a file of the right name would be a commit. */
import { realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { fail } from '../core/errors.ts'
import { printable } from '../core/ref.ts'

const logFolder = '_delta_log'

/** Throws `usage`/`log-folder`. `where`: the option that names the file. */
export async function requireOutsideLogs(file: string, where: string): Promise<void> {
  const path = resolve(file)
  for (const place of [path, await realPlace(path)])
    if (place.split(sep).includes(logFolder))
      throw fail('usage', 'log-folder', `${printable(file)} lies in the log of a Delta table (${logFolder})`, {
        where,
        hint: 'name a file in another folder',
      })
}

/** Where it really is, or would be. */
async function realPlace(path: string): Promise<string> {
  return await realpath(path).catch(async () =>
    path === dirname(path) ? path : join(await realPlace(dirname(path)), basename(path)),
  )
}
