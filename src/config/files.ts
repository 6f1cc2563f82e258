/** Small files of our own, written whole or not at all. */
import { randomBytes } from 'node:crypto'
import { type FileHandle, link, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { durable } from '../core/durable.ts'
import { fail } from '../core/errors.ts'
import { printable } from '../core/ref.ts'

/**
 * Writes `text` beside `file`, syncs it and moves it into place; the folder is made. `step` names the write to the fault harness.
 * With `exclusive` a file that is there already stays as it is: throws `refused` `file-exists`.
 */
export async function writeWhole(
  file: string,
  text: string,
  options: { readonly mode: number; readonly step: string; readonly exclusive?: boolean },
): Promise<void> {
  const directory = dirname(file)
  await mkdir(directory, { recursive: true })
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await using handle = await open(temporary, 'wx', options.mode)
    await handle.writeFile(text)
    await handle.sync()
    durable(`${options.step}:before`)
    if (options.exclusive === true) await link(temporary, file)
    else await rename(temporary, file)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown
    throw fail('refused', 'file-exists', `${printable(file)} is there already`, { where: printable(file) })
  } finally {
    await rm(temporary, { force: true })
  }
  await using folder = await open(directory, 'r')
  await folder.sync()
  durable(`${options.step}:after`)
}

/** The whole file, or null when it is larger: a size in the file system says nothing about devices and pipes. */
export async function readAtMost(handle: FileHandle, most: number): Promise<Buffer | null> {
  const buffer = Buffer.alloc(most + 1)
  let length = 0
  while (length <= most) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null)
    if (bytesRead === 0) return buffer.subarray(0, length)
    length += bytesRead
  }
  return null
}
