import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { spawnCli } from '../../support/run-cli.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** A package whose engines this Node does not satisfy, with a pinned Node that says it does. */
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tblctl-launcher-'))
  const write = async (name: string, text: string) => {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  await write('package.json', JSON.stringify({ type: 'module', engines: { node: '^98.1.0 || >=99' } }))
  await write(
    'newer.mjs',
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '99.0.0' } })`,
  )
  await write(
    'node_modules/node/bin/node',
    `#!/bin/sh\nexec "${process.execPath}" --import "${folder}/newer.mjs" "$@"\n`,
  )
  await chmod(join(folder, 'node_modules/node/bin/node'), 0o755)
  // Does what its first argument says, and writes down the signals it gets.
  await write(
    'dist/cli/start.js',
    `import { appendFileSync, writeFileSync } from 'node:fs'
     const [what] = process.argv.slice(2)
     if (what === 'wait') {
       for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {
         appendFileSync('${folder}/got', signal + '\\n')
         setTimeout(() => process.exit(143), 1500)
       })
       setInterval(() => {}, 1000)
     }
     writeFileSync('${folder}/pid', String(process.pid))
     if (what === 'die') process.kill(process.pid, 'SIGKILL')
     console.log(JSON.stringify([process.argv.slice(2), process.env.TBLCTL_LAUNCHER ?? null]))
     process.exitCode = Number(what) || 0`,
  )
  await mkdir(join(folder, 'bin'))
  for (const name of ['tblctl.js', 'relaunch.js']) await copyFile(join(root, 'bin', name), join(folder, 'bin', name))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function launch(args: string[], detached = false) {
  const child = spawn(process.execPath, [join(folder, 'bin/tblctl.js'), ...args], {
    detached,
    env: { PATH: process.env.PATH },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (piece) => {
    stdout += String(piece)
  })
  child.stderr.on('data', (piece) => {
    stderr += String(piece)
  })
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }))
  return { child, ended, started: () => until(() => stdout.includes('[')) }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10))
}
const got = () => readFile(join(folder, 'got'), 'utf8').catch(() => '')
const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
const send = (child: ChildProcess, signal: NodeJS.Signals) => process.kill(child.pid!, signal)

describe('under a Node that is too old', () => {
  it('runs the pinned one with the same words, and ends as it does', async () => {
    const { ended } = launch(['7', 'a b', '--x'])
    expect(await ended).toMatchObject({ code: 7, signal: null, stdout: '[["7","a b","--x"],null]\n', stderr: '' })
    expect(await launch(['die']).ended).toMatchObject({ code: null, signal: 'SIGKILL' })
  })

  it('says which one it needs when there is none, or when the pinned one is too old itself', async () => {
    await writeFile(join(folder, 'newer.mjs'), '')
    const needs = `error: tblctl needs Node ^98.1.0 || >=99, and this is ${process.versions.node} (${process.execPath})\n`
    expect(await launch(['0']).ended).toMatchObject({ code: 69, stdout: '', stderr: needs })
    await rm(join(folder, 'node_modules'), { recursive: true })
    expect(await launch(['0']).ended).toMatchObject({ code: 69, stdout: '', stderr: needs })
  })

  it('passes a signal on', async () => {
    const { child, ended, started } = launch(['wait'])
    await started()
    send(child, 'SIGTERM')
    expect(await ended).toMatchObject({ code: 143 })
    expect(await got()).toBe('SIGTERM\n')
  })

  it('raises Ctrl-C, which both processes get, once', async () => {
    const { child, ended, started } = launch(['wait'], true)
    await started()
    process.kill(-child.pid!, 'SIGINT')
    expect(await ended).toMatchObject({ code: 143 })
    expect(await got()).toBe('SIGINT\n')
  })

  it('leaves no orphan when it is killed', async () => {
    const { child, started } = launch(['wait'])
    await started()
    const pid = Number(await readFile(join(folder, 'pid'), 'utf8'))
    send(child, 'SIGKILL')
    await until(() => !alive(pid))
    expect(await got()).toBe('SIGTERM\n')
  })
})

describe('under a Node that fits', () => {
  it('runs the command line, from the sources when nothing is built', async () => {
    const { code, stdout, stderr } = await spawnCli(['version', '-o', 'json'], { launcher: true }).result
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'Version', node: process.versions.node })
  })
})

describe('start', () => {
  it('sets the exit code, and data and errors take their streams', async () => {
    expect(await spawnCli(['versoin'], {}).result).toMatchObject({
      code: 64,
      stdout: '',
      stderr: expect.stringContaining('did you mean version?'),
    })
    expect(await spawnCli(['--version'], {}).result).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^tblctl /),
      stderr: '',
    })
  })
})
