/**
 * Which process has the embedded engine's folder. Processes of ours take a lock of their own before the engine touches the folder, because
 * the engine tells about its lock on standard error only; of others the engine's `status` file says it, locked as long as they live.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fail } from '../../core/errors.ts'

const holderFile = 'tblctl.pid'
const sqliteBusy = 5

/** Undefined when another process of ours has it. The operating system gives the lock back when a process ends, however it does. */
export function lockFolder(folder: string): { release(): void } | undefined {
  const database = new DatabaseSync(join(folder, 'tblctl.lock'), { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
    writeFileSync(join(folder, holderFile), String(process.pid))
    return { release: () => database.close() }
  } catch (error) {
    database.close()
    if ((error as { errcode?: number }).errcode === sqliteBusy) return undefined
    throw error
  }
}

/** Who took the lock last, when it lives. */
function lockHolder(folder: string): number | null {
  try {
    const pid = Number(readFileSync(join(folder, holderFile), 'utf8'))
    return pid > 0 && pid !== process.pid && isAlive(pid) ? pid : null
  } catch {
    return null
  }
}

/** The process that the engine's own file names; null when the folder is free, as far as can be told. */
export function folderHolder(folder: string): number | null {
  const file = join(folder, 'status')
  let pid: number
  let inode: number
  try {
    pid = Number(/^PID: (\d+)/.exec(readFileSync(file, 'utf8'))?.[1])
    inode = statSync(file).ino
  } catch {
    return null
  }
  if (!(pid > 0) || pid === process.pid) return null
  const locked = isLocked(inode)
  if (locked !== null) return locked ? pid : null
  return isAlive(pid) ? pid : null
}

/** Null where the system does not say: then a live process of that number is taken at its word. */
function isLocked(inode: number): boolean | null {
  try {
    // proc_locks(5): `1: FLOCK ADVISORY WRITE PID MAJOR:MINOR:INODE START END`
    return readFileSync('/proc/locks', 'utf8')
      .split('\n')
      .some((line) => new RegExp(`FLOCK .*:${inode} `).test(line))
  } catch {
    return null
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

export function folderBusy(folder: string): Error {
  const pid = folderHolder(folder) ?? lockHolder(folder)
  return fail(
    'busy',
    'engine-locked',
    `the embedded ClickHouse is in use by ${pid === null ? 'another process' : `process ${pid}`}`,
    { where: folder, hint: 'wait with --lock-timeout 1m', retry: 'later' },
  )
}
