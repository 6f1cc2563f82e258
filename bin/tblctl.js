#!/usr/bin/env node
// Plain JavaScript that any Node from 14.18 on can read: checks the version, then hands over to the command line.
import { existsSync, readFileSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { fileURLToPath } from 'node:url'

const root = new URL('../', import.meta.url)
const { engines } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))

if (!satisfies(process.versions.node, engines.node)) {
  const pinned = fileURLToPath(new URL('node_modules/node/bin/node', root))
  const { relaunch } = await import('./relaunch.js')
  // Marked, so that a pinned Node that does not fit either cannot start itself for ever.
  if (process.env.TBLCTL_LAUNCHER === undefined && existsSync(pinned))
    await relaunch(pinned, fileURLToPath(import.meta.url))
  else {
    process.stderr.write(
      `error: tblctl needs Node ${engines.node}, and this is ${process.versions.node} (${process.execPath})\n`,
    )
    process.exitCode = 69
  }
} else {
  nodeModule.enableCompileCache?.()
  if (process.env.TBLCTL_LAUNCHER !== undefined) (await import('./relaunch.js')).followLauncher()
  const built = new URL('dist/cli/start.js', root)
  // A checkout that is not built runs its sources: Node strips the types.
  await import((existsSync(built) ? built : new URL('src/cli/start.ts', root)).href)
}

/** Ranges as in package.json: `^a.b.c`, `>=a.b.c`, joined by `||`. */
function satisfies(version, ranges) {
  const [major, minor, patch] = version.split('.').map(Number)
  return ranges.split('||').some((range) => {
    const [, caret, a, b = 0, c = 0] = /^\s*(\^|>=)(\d+)(?:\.(\d+))?(?:\.(\d+))?\s*$/.exec(range).map((part) => part)
    const [x, y, z] = [a, b, c].map(Number)
    const atLeast = major > x || (major === x && (minor > y || (minor === y && patch >= z)))
    return atLeast && (caret === '>=' || major === x)
  })
}
