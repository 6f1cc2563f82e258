/** Scratch folders: one a run, named after its process, so that the next run can sweep away what a killed one left. */
import { readdirSync, rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../core/files.ts'

const prefix = 'run-'

/** `parent` may be shared by hosts: only what this host knows to be dead is swept. */
export async function makeScratch(parent: string, owner: string, isGone: (owner: string) => boolean): Promise<string> {
  makeFolder(parent)
  for (const name of readdirSync(parent))
    if (name.startsWith(prefix) && isGone(decoded(name.slice(prefix.length))))
      rmSync(join(parent, name), { recursive: true, force: true })
  const folder = join(parent, `${prefix}${encodeURIComponent(owner)}`)
  await mkdir(folder)
  return folder
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
