/** The bytes of a config file, as text and with what identifies them. */
import { createHash } from 'node:crypto'
import { open, realpath } from 'node:fs/promises'
import { fail } from '../core/errors.ts'
import { readAtMost } from './files.ts'
import { type SourceText, sourceText } from './problems.ts'
import type { FileIdentity } from './trust.ts'

const mostBytes = 1024 * 1024

/** `name` is what people are told. At most 1 MiB of UTF-8; a byte order mark is dropped. Throws config errors. */
export async function readSource(file: string, name: string): Promise<{ source: SourceText; identity: FileIdentity }> {
  let bytes: Buffer | null
  let realPath: string
  try {
    await using handle = await open(file, 'r')
    bytes = await readAtMost(handle, mostBytes)
    realPath = await realpath(file)
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    throw fail('config', 'config-unreadable', `the config file cannot be read (${code})`, { where: name })
  }
  if (bytes === null) throw fail('config', 'config-too-large', 'the config file is larger than 1 MiB', { where: name })
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return { source: sourceText(name, text), identity: { realPath, sha256 } }
  } catch {
    throw fail('config', 'config-not-text', 'the config file is not UTF-8 text', { where: name })
  }
}
