/** Refs: `[backend:][project/]table`, a project is `[backend:]project/`. DESIGN: grammar of refs; `*` and `?` match inside one segment. */
import { fail } from './errors.ts'

/** Slash path, the address that leases, jobs and the catalog use: `lake/acme/metrics`. */
export type Path = string

export interface Ref {
  readonly backend: string | null
  readonly project: string
  readonly table: string
}
export interface ProjectRef {
  readonly backend: string | null
  readonly project: string
}
/** A ref whose segments may hold `*` and `?`. */
export interface Pattern extends Ref {
  readonly text: string
}

export const defaultProject = 'default'
const backendName = /^[a-z][a-z0-9-]{0,31}$/
const segmentName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const backendPattern = /^[a-z*?][a-z0-9*?-]{0,31}$/
const segmentPattern = /^[A-Za-z0-9_*?][A-Za-z0-9_.*?-]{0,127}$/

export const isBackendName = (text: string): boolean => backendName.test(text)
export const isSegment = (text: string): boolean => segmentName.test(text)
export const hasGlob = (text: string): boolean => /[*?]/.test(text)

/** `lake:acme/metrics`, `acme/metrics`, `metrics`. Throws a usage error that names the part that does not fit. */
export function parseRef(text: string): Ref {
  const { backend, rest } = splitBackend(text)
  const segments = rest.split('/')
  if (segments.length > 2) throw badRef(text, 'it has more than one "/"')
  const [project, table] = segments.length === 2 ? (segments as [string, string]) : [defaultProject, segments[0]!]
  if (table === '') throw badRef(text, 'it names a project, not a table', `tblctl list '${printable(text)}*'`)
  checkSegment(text, 'project', project)
  checkSegment(text, 'table', table)
  return { backend, project, table }
}

/** `lake:acme/` or `acme/`. */
export function parseProjectRef(text: string): ProjectRef {
  const { backend, rest } = splitBackend(text)
  if (!rest.endsWith('/') || rest.indexOf('/') !== rest.length - 1) throw badRef(text, 'a project is written PROJECT/')
  const project = rest.slice(0, -1)
  checkSegment(text, 'project', project)
  return { backend, project }
}

export const isProjectRef = (text: string): boolean => text.endsWith('/')

/** A ref, a project (`acme/` means `acme/*`) or a glob. */
export function parsePattern(text: string): Pattern {
  const full = text.endsWith('/') ? `${text}*` : text
  if (!hasGlob(full)) return { ...parseRef(full), text }
  const colon = full.indexOf(':')
  const backend = colon < 0 ? null : full.slice(0, colon)
  if (backend !== null && !backendPattern.test(backend))
    throw badRef(text, `"${printable(backend)}" is no backend name`)
  const segments = full.slice(colon + 1).split('/')
  if (segments.length > 2) throw badRef(text, 'it has more than one "/"')
  const [project, table] = segments.length === 2 ? (segments as [string, string]) : [defaultProject, segments[0]!]
  for (const segment of [project, table])
    if (!segmentPattern.test(segment)) throw badRef(text, `"${printable(segment)}" is no name or glob`)
  return { backend, project, table, text }
}

/** `*` and `?` inside one segment. Linear in practice: only the last star is ever tried again. */
export function globMatches(glob: string, name: string): boolean {
  let g = 0
  let n = 0
  let star = -1
  let mark = 0
  while (n < name.length) {
    if (glob[g] === '*') {
      star = g++
      mark = n
    } else if (g < glob.length && (glob[g] === '?' || glob[g] === name[n])) {
      g++
      n++
    } else if (star >= 0) {
      g = star + 1
      n = ++mark
    } else return false
  }
  while (glob[g] === '*') g++
  return g === glob.length
}

export const formatRef = (ref: Ref): string =>
  `${ref.backend === null ? '' : `${ref.backend}:`}${ref.project}/${ref.table}`

export function tablePath(backend: string, project: string, table: string): Path {
  return `${backend}/${project}/${table}`
}

/** The ref of a table's path, the project ref of a project's, the name of a backend's; others (`sync/orders`) as they are. */
export function refOfPath(path: Path, kind: 'table' | 'project' | 'backend' | 'sync' = 'table'): string {
  const [backend, project, table] = path.split('/')
  if (kind === 'table' && table !== undefined) return `${backend}:${project}/${table}`
  if (kind === 'project') return `${backend}:${project}/`
  return path
}

export const refOfSubject = (subject: {
  readonly path: Path
  readonly kind: 'table' | 'project' | 'backend' | 'sync'
}): string => refOfPath(subject.path, subject.kind)

/** Ids are any text (`--tenant-id`); names in refs and paths are not. Ids that are names stay as they are, others are `_x` and their bytes in hex. */
export function segmentOfId(id: string): string {
  if (isSegment(id) && !/^_x/i.test(id)) return id
  const bytes = new TextEncoder().encode(id)
  if (id === '' || !id.isWellFormed() || bytes.length > mostIdBytes)
    throw fail(
      'usage',
      'bad-id',
      `"${printable(id)}" cannot be an id: it has 1 to ${mostIdBytes} bytes of valid Unicode`,
    )
  return `_x${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
/** As text in hex it must still be a name. */
const mostIdBytes = 63

/** The id that `segmentOfId` made a name of. */
export function idOfSegment(segment: string): string {
  if (!/^_x(?:[0-9a-f]{2})+$/.test(segment)) return segment
  const bytes = Uint8Array.from(segment.slice(2).match(/../g)!, (pair) => Number.parseInt(pair, 16))
  return new TextDecoder().decode(bytes)
}

export function segmentsOf(path: Path): { backend: string; project: string; table: string } {
  const [backend = '', project = '', table = ''] = path.split('/')
  return { backend, project, table }
}

function splitBackend(text: string): { backend: string | null; rest: string } {
  const colon = text.indexOf(':')
  if (colon < 0) return { backend: null, rest: text }
  const backend = text.slice(0, colon)
  if (!isBackendName(backend))
    throw badRef(text, `"${printable(backend)}" is no backend name ([a-z][a-z0-9-]*, at most 32 characters)`)
  return { backend, rest: text.slice(colon + 1) }
}

function checkSegment(text: string, what: string, segment: string): void {
  if (isSegment(segment)) return
  const rule = 'letters, digits, "_", "." and "-", beginning with a letter, a digit or "_", at most 128 characters'
  throw badRef(
    text,
    segment === '' ? `its ${what} is empty` : `its ${what} "${printable(segment)}" is no name (${rule})`,
  )
}

function badRef(text: string, why: string, hint = 'tblctl help refs'): Error {
  return fail('usage', 'bad-ref', `"${printable(text)}" is no ref: ${why}`, { hint })
}

/** Hostile names are shown, not obeyed: control, direction-changing and invisible characters never reach a terminal. */
export function printable(text: string): string {
  const clean = text
    .toWellFormed()
    .replace(
      /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
  const characters = clean.length > 200 ? [...clean] : []
  return characters.length > 200 ? `${characters.slice(0, 200).join('')}…` : clean
}
