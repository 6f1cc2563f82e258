/** The walls of the house (docs/ARCHITECTURE.md): data flows one way, and what costs start-up time is loaded late. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { driverKinds, loadDriver } from '../../src/drivers/registry.ts'

const root = fileURLToPath(new URL('../../src', import.meta.url))

/** From each room, the rooms that it may import from; every room may import from itself. */
const walls: Readonly<Record<string, readonly string[]>> = {
  core: [],
  verbs: ['core'],
  catalog: ['core'],
  schemas: ['core'],
  storage: ['core'],
  engine: ['core'],
  settings: ['core'],
  sql: ['core'],
  sync: ['core', 'verbs'],
  config: ['core', 'schemas', 'settings'],
  jobs: ['core', 'catalog'],
  drivers: ['core', 'verbs', 'schemas', 'settings', 'storage', 'engine'],
  api: ['core', 'verbs', 'catalog', 'schemas', 'config', 'jobs', 'sql', 'sync', 'drivers', 'engine'],
  cli: ['core', 'api'],
  'index.ts': ['core', 'api'],
}
/** Doors that the rooms alone do not tell: [file or folder, what it may import besides]. */
const doors: readonly [from: RegExp, to: RegExp][] = [
  // Completion must not wait for the whole configuration: names come straight from the files.
  [/^cli\/(completion|names)/, /^(catalog|config|schemas)\//],
]

interface Import {
  readonly from: string
  /** Path below src, or the name of a package. */
  readonly to: string
  readonly isPackage: boolean
  readonly lazy: boolean
  readonly typeOnly: boolean
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? sources(path) : entry.name.endsWith('.ts') ? [path] : []
  })
}

const imports: Import[] = sources(root).flatMap((file) => {
  const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  const from = relative(root, file)
  const found = [
    ...[...text.matchAll(/^\s*(?:import|export)\s+(type\s)?[^'"]*?from\s+['"]([^'"]+)['"]/gm)].map((m) => ({
      to: m[2]!,
      typeOnly: Boolean(m[1]),
      lazy: false,
    })),
    ...[...text.matchAll(/^\s*import\s+['"]([^'"]+)['"]/gm)].map((m) => ({ to: m[1]!, typeOnly: false, lazy: false })),
    ...[...text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)].map((m) => ({
      to: m[1]!,
      typeOnly: false,
      lazy: true,
    })),
  ]
  return found.map(({ to, ...how }) => {
    const isPackage = !to.startsWith('.')
    return { from, to: isPackage ? to : relative(root, join(dirname(file), to)), isPackage, ...how }
  })
})
const room = (path: string) => path.split('/')[0]!

describe('walls', () => {
  test('every room has its walls', () => {
    const rooms = new Set(imports.map((i) => room(i.from)))
    expect([...rooms].filter((name) => !(name in walls))).toEqual([])
  })

  test('no room imports from a room above it or beside it', () => {
    const through = imports.filter(
      (i) =>
        !i.isPackage &&
        room(i.from) !== room(i.to) &&
        !walls[room(i.from)]?.includes(room(i.to)) &&
        !doors.some(([from, to]) => from.test(i.from) && to.test(i.to)),
    )
    expect(through.map((i) => `${i.from} -> ${i.to}`)).toEqual([])
  })

  test('drivers do not know one another, and only the registry names them', () => {
    const driver = (path: string) =>
      path.startsWith('drivers/') && path.split('/').length > 2 ? path.split('/')[1]! : null
    const across = imports.filter(
      (i) => !i.isPackage && driver(i.from) !== null && driver(i.to) !== null && driver(i.from) !== driver(i.to),
    )
    const reached = imports.filter(
      (i) => !i.isPackage && driver(i.from) === null && driver(i.to) !== null && i.from !== 'drivers/registry.ts',
    )
    expect([...across, ...reached].map((i) => `${i.from} -> ${i.to}`)).toEqual([])
  })

  test.each(driverKinds)('the same verb stands in a file of the same name in every driver: %s', async (kind) => {
    const { can } = await loadDriver(kind)
    // `tenant.create` is in tenant.ts or in the folder tenant/; unregister is the same for all (verbs/unregister.ts).
    const names = can.filter((verb) => verb !== 'unregister').map((verb) => verb.split('.')[0]!)
    const there = readdirSync(join(root, 'drivers', kind)).map((name) => name.replace(/\.ts$/, ''))
    expect(there).toEqual(expect.arrayContaining(['module', 'driver', 'describe', 'scan', ...names]))
  })
})

describe('weight', () => {
  /** Packages that are loaded with a file, before anything is called. */
  const loadedWith = (start: string): string[] => {
    const seen = new Set<string>()
    const packages = new Set<string>()
    const visit = (file: string): void => {
      if (seen.has(file)) return
      seen.add(file)
      for (const i of imports) {
        if (i.from !== file || i.lazy || i.typeOnly) continue
        if (!i.isPackage) visit(i.to)
        else if (!i.to.startsWith('node:')) packages.add(i.to)
      }
    }
    visit(start)
    return [...packages].sort()
  }

  test('the command line starts with nothing but what every command needs', () => {
    expect(loadedWith('cli/start.ts')).toEqual(['picocolors'])
  })

  test('the api opens without an engine; a driver declares itself without one', () => {
    expect(loadedWith('api/open.ts')).not.toContain('@duckdb/node-api')
    for (const kind of driverKinds) expect(loadedWith(`drivers/${kind}/module.ts`)).toEqual(['zod'])
  })

  test('the engine stays in its room', () => {
    expect(imports.filter((i) => i.to.startsWith('@duckdb/') && room(i.from) !== 'engine').map((i) => i.from)).toEqual(
      [],
    )
  })

  test('only the command line touches the terminal', () => {
    const touching = sources(root).filter((file) => {
      const from = relative(root, file)
      return (
        !from.startsWith('cli/') &&
        /\bprocess\.(std|exit|argv|on\b|env)/.test(readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ''))
      )
    })
    expect(touching.map((file) => relative(root, file))).toEqual([])
  })
})
