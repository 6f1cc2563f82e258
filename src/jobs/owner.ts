/** Who holds a lease: `host/pid/start/nonce`. Start time and host identity keep a re-used pid, or a namesake host, from being taken for it. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { kill, pid as ownPid, platform } from 'node:process'

/** `HOST` holds the boot and the pid namespace: two containers with one host name are two hosts. */
export function thisOwner(): string {
  return `${hostIdentity()}/${ownPid}/${startOf(ownPid) ?? '0'}/${randomBytes(4).toString('hex')}`
}

/** True only for a process of this host that is certainly gone; of other hosts nothing is known. */
export function isGone(owner: string): boolean {
  const [host, digits, start] = owner.split('/')
  if (host !== hostIdentity() || !digits || !/^\d+$/.test(digits)) return false
  const pid = Number(digits)
  if (!exists(pid)) return true
  const running = startOf(pid)
  return running !== undefined && start !== '0' && running !== start
}

function exists(pid: number): boolean {
  try {
    return kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

let identity: string | undefined
function hostIdentity(): string {
  identity ??= [hostname(), ...(platform === 'linux' ? [boot(), namespace()] : [])]
    .filter(Boolean)
    .join('~')
    .replaceAll('/', '_')
  return identity
}
function boot(): string {
  return quietly(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().slice(0, 8)) ?? ''
}
function namespace(): string {
  return quietly(() => readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')) ?? ''
}

/** Start time of a process in the system's own unit, `zombie` for a dead one that nobody has waited for; undefined when it cannot be read. */
function startOf(pid: number): string | undefined {
  if (platform === 'linux') {
    const stat = quietly(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
    // proc(5): after "(comm)" come state (field 3) … starttime (field 22); comm may hold anything, so split after its last ")".
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields?.[0] === 'Z' || fields?.[0] === 'X' ? 'zombie' : fields?.[19]
  }
  return quietly(
    () => execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined,
  )
}

function quietly<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
