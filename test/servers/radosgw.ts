/**
 * A real S3 server: one Ceph monitor, one OSD that keeps its objects in memory, one RADOS gateway, all on loopback. The first test file that asks
 * starts it, every other file of the same run gets the same one; it ends with the run, however that ends. Conditional PUTs are atomic on it; on
 * CompleteMultipartUpload it ignores the condition.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openS3Connection, type S3Connection } from '../../src/storage/s3-client.ts'

export interface Radosgw {
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

const readyFile = 'ready.json'
const startMs = 90_000

/** The run's server. Throws with what to install when its programs are missing. */
export async function radosgw(): Promise<Radosgw> {
  const missing = ['ceph-mon', 'ceph-osd', 'radosgw'].filter((name) => spawnSync(name, ['--version']).error)
  if (missing.length > 0)
    throw new Error(`no S3 server to test with: apt-get install --no-install-recommends ${missing.join(' ')}`)
  // Test files run in processes of their own, below the one that is the run.
  const run = process.ppid
  const folder = join(tmpdir(), `tblctl-radosgw-${run}`)
  let first = true
  try {
    mkdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    first = false
  }
  if (first)
    spawn(process.execPath, ['--no-warnings', fileURLToPath(import.meta.url), folder, String(run)], {
      detached: true,
      stdio: ['ignore', 'ignore', openSync(join(folder, 'supervisor.log'), 'w')],
    }).unref()
  for (const deadline = Date.now() + startMs; Date.now() < deadline; await sleep(200))
    if (existsSync(join(folder, readyFile))) return JSON.parse(readFileSync(join(folder, readyFile), 'utf8')) as Radosgw
  throw new Error(`radosgw did not start within ${startMs / 1000} s; its logs are in ${folder}`)
}

/** A connection to it, and a new bucket. */
export async function radosgwBucket(): Promise<
  Radosgw & { readonly bucket: string; readonly connection: S3Connection }
> {
  const server = await radosgw()
  const { endpoint, ...credentials } = server
  const connection = openS3Connection({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  return { ...server, connection, bucket: await makeBucket(connection) }
}
export async function makeBucket(connection: S3Connection): Promise<string> {
  const bucket = `test-${randomUUID().slice(0, 13)}`
  const { sdk, client } = await connection.open()
  await client.send(new sdk.CreateBucketCommand({ Bucket: bucket }))
  return bucket
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

interface Ports {
  readonly gateway: number
  readonly monitor: readonly [number, number]
  readonly osd: number
}

const configOf = (folder: string, id: string, { gateway, monitor, osd }: Ports): string => `[global]
fsid = ${id}
keyring = ${folder}/keyring
mon initial members = m
mon host = [v2:127.0.0.1:${monitor[0]},v1:127.0.0.1:${monitor[1]}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 4294967296
mon allow pool size one = true
mon max pg per osd = 1000
mon data = ${folder}/mon
osd data = ${folder}/osd
rgw data = ${folder}/rgw
run dir = ${folder}/run
admin socket = ${folder}/run/$name.asok
log file = ${folder}/log/$name.log
mon cluster log file = ${folder}/log/cluster.log
osd class load list = *
osd class default list = *
ms bind port min = ${osd}
ms bind port max = ${osd + 100}
rgw frontends = beast endpoint=127.0.0.1:${gateway}
rgw enable ops log = false
`

/** Authentication must be on: without it the gateway never gets past connecting. */
async function start(folder: string, daemons: number[]): Promise<Radosgw> {
  for (const name of ['mon', 'osd', 'rgw', 'run', 'log']) mkdirSync(join(folder, name))
  const [id, osdId] = [randomUUID(), randomUUID()]
  const ports: Ports = {
    gateway: await freePort(),
    monitor: [await freePort(), await freePort()],
    osd: Math.min(await freePort(), 65_000),
  }
  const config = join(folder, 'ceph.conf')
  writeFileSync(config, configOf(folder, id, ports))
  const env = { ...process.env, CEPH_CONF: config, CEPH_ARGS: `--conf ${config}` }
  const call = (program: string, ...args: string[]) =>
    execFileSync(program, args, { env, stdio: 'pipe', timeout: 30_000 })
  const daemon = (program: string, ...args: string[]): void => {
    const log = openSync(join(folder, `${program}.out`), 'w')
    daemons.push(spawn(program, [...args, '-f'], { env, stdio: ['ignore', log, log] }).pid!)
    closeSync(log)
  }
  const until = async (done: () => boolean): Promise<void> => {
    for (let tries = 0; tries < 120; tries++, await sleep(250))
      try {
        if (done()) return
      } catch {} // not there yet
    throw new Error('a daemon does not come up')
  }
  const keyring = join(folder, 'keyring')
  const key = (name: string, ...caps: string[]) =>
    call('ceph-authtool', keyring, '--gen-key', '-n', name, ...caps.flatMap((cap) => ['--cap', ...cap.split('=')]))
  call('ceph-authtool', keyring, '--create-keyring')
  key('mon.', 'mon=allow *')
  key('client.admin', 'mon=allow *', 'osd=allow *', 'mgr=allow *')
  key('osd.0', 'mon=allow profile osd', 'osd=allow *')
  key('client.rgw.t', 'mon=allow rw', 'osd=allow rwx')
  const map = join(folder, 'monmap')
  const [v2, v1] = ports.monitor
  call('monmaptool', '--create', '--addv', 'm', `[v2:127.0.0.1:${v2},v1:127.0.0.1:${v1}]`, '--fsid', id, map)
  call('ceph-mon', '-i', 'm', '--mkfs', '--monmap', map, '--keyring', keyring)
  daemon('ceph-mon', '-i', 'm')
  await until(() => call('ceph', '--connect-timeout', '5', 'mon', 'stat').length > 0)
  call('ceph', 'osd', 'new', osdId)
  call('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', osdId)
  daemon('ceph-osd', '-i', '0')
  await until(() => call('ceph', '--connect-timeout', '5', 'osd', 'stat').includes('1 up'))
  daemon('radosgw', '-n', 'client.rgw.t')
  const endpoint = `http://127.0.0.1:${ports.gateway}`
  const answers = () => fetch(endpoint).then(Boolean, () => false)
  while (!(await answers())) await sleep(200)
  const user = { accessKeyId: 'tblctl', secretAccessKey: 'tblctl-secret' }
  const keys = [`--access-key=${user.accessKeyId}`, `--secret-key=${user.secretAccessKey}`]
  call('radosgw-admin', '-n', 'client.rgw.t', 'user', 'create', '--uid=tblctl', '--display-name=tblctl', ...keys)
  return { endpoint, ...user }
}

/** Holds the daemons until the run is gone. */
async function supervise(folder: string, run: number): Promise<void> {
  const daemons: number[] = []
  const stop = (): void => {
    for (const pid of daemons.splice(0)) process.kill(pid, 'SIGKILL')
    rmSync(folder, { recursive: true, force: true })
    process.exit()
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
  setInterval(() => {
    try {
      process.kill(run, 0)
    } catch {
      stop()
    }
  }, 500)
  const server = await start(folder, daemons)
  writeFileSync(join(folder, `${readyFile}.part`), JSON.stringify(server))
  renameSync(join(folder, `${readyFile}.part`), join(folder, readyFile))
}

if (import.meta.main) await supervise(process.argv[2]!, Number(process.argv[3]))
