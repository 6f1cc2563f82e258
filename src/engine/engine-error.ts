/** What the engine throws is text; here it becomes one of our errors, by what the person can do about it. */
import { fail, TblctlError } from '../core/errors.ts'
import { printable } from '../core/ref.ts'

/** The engine's class of error, from the beginning of its message (`Out of Memory Error: …`). */
const errorClass = (message: string): string => /^([A-Z][A-Za-z ]*?) Error: /.exec(message)?.[1] ?? ''

const diskFull = /no space left|disk quota|file too large|max_temp_directory_size/i
const damaged =
  /magic bytes|enough bytes|too small to be a parquet|tprotocolexception|don't know what type|decompress|corrupt|footer|invalid (page|utf-?8|string encoding)|out of buffer|page header|reached end of file|thrift|dictionary/i

/** First paragraph, without the class and without the engine's advice on its own settings. */
export function plainMessage(message: string): string {
  const first = message.split(/\n\s*\n/)[0]!.replace(/^[A-Z][A-Za-z ]* Error: /, '')
  return printable(
    first
      .replace(/\n(Did you mean)/, '; did you mean')
      .replace(/\s*\n\s*/g, ' ')
      .trim(),
  )
}

/** A file that a message names. */
const namedFile = (message: string): string | undefined => /(?:[Ff]ile|pattern|path) ["'](.+?)["']/.exec(message)?.[1]

/** True for damage of an input file: the caller may then find out which file it is. */
export function isDamage(thrown: unknown): boolean {
  if (!(thrown instanceof Error) || thrown instanceof TblctlError) return false
  const kind = errorClass(thrown.message)
  return ['Invalid', 'Invalid Input', 'IO', 'Serialization'].includes(kind) && damaged.test(thrown.message)
}

/** The message with the names that the user knows, and the copy that it is about. */
function named(text: string, copies: ReadonlyMap<string, string>) {
  let message = text
  let copied: { readonly path: string; readonly name: string } | null = null
  for (const [path, name] of copies) {
    if (!message.includes(path)) continue
    message = message.replaceAll(path, name)
    copied = { path, name }
  }
  return { message, copied }
}

/** What the engine says of a row, without its place in the copy and without advice on the reader's options. */
const aboutRow = (message: string): string =>
  plainMessage(message)
    .replace(/^[^"]* in file ".*?",? (?:in line|at byte) \d+[^:"]*: /, '')
    .replace(/ Try setting .*$/, '')

/**
 * Any thrown value of the engine as one of our errors; what only a bug of ours can cause stays as it is. `copies`: Engine.copies.
 */
export function engineError(thrown: unknown, copies: ReadonlyMap<string, string> = new Map()): unknown {
  if (!(thrown instanceof Error) || thrown instanceof TblctlError) return thrown
  const { message, copied } = named(thrown.message, copies)
  const more = { cause: thrown }
  if (diskFull.test(message))
    return fail('failed', 'disk-full', `no space left for the engine's files: ${plainMessage(message)}`, {
      ...more,
      hint: 'free some disk space and run the same command again',
      retry: 'resume',
    })
  const kind = errorClass(message)
  const file = namedFile(message)
  const where = file === undefined ? {} : { where: printable(file) }
  if (kind === 'Out of Memory')
    return fail('failed', 'engine-memory', `the engine needs more memory than it may use: ${plainMessage(message)}`, {
      ...more,
      hint: 'process less at once: a smaller --target-size for optimize, a smaller --commit-rows for load, fewer rows or columns for a query',
    })
  if (copied !== null && !copied.path.endsWith('.parquet'))
    return fail('data', 'row-rejected', `a row does not fit: ${aboutRow(message)}`, {
      ...more,
      where: copied.name,
      hint: 'correct the row; nothing of the rows since the last commit is loaded',
    })
  if (isDamage(thrown))
    return fail('data', 'corrupt-file', `a Parquet file is damaged: ${plainMessage(message)}`, { ...more, ...where })
  if (kind === 'IO' && /no files found|no such file|cannot open file/i.test(message))
    return fail('missing', 'file-missing', `a file cannot be read: ${plainMessage(message)}`, { ...more, ...where })
  if (kind === 'IO') return fail('failed', 'engine-io', plainMessage(message), { ...more, ...where })
  if (['Conversion', 'Out of Range', 'Invalid Input'].includes(kind))
    return fail('data', 'bad-value', plainMessage(message), { ...more, ...where })
  return thrown
}
