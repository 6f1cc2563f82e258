/** A real Harper in a temporary root: one process, its operations API on a free port, nothing that listens beyond this machine. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('node_modules/harperdb/bin/harperdb.js', import.meta.url))
/** Harper opens some ports of its own choice on every address: whoever names none gets this machine's. */
const loopback = `import { Server } from 'node:net'
const { listen } = Server.prototype
Server.prototype.listen = function (first, ...more) {
  if (typeof first === 'number') return listen.call(this, first, '127.0.0.1', ...more.filter((one) => typeof one === 'function'))
  if (first !== null && typeof first === 'object' && 'port' in first) return listen.call(this, { ...first, host: '127.0.0.1' }, ...more)
  return listen.call(this, first, ...more)
}`

export const username = 'admin'
/** With a colon and a space: Basic credentials must bear them. */
export const password = 'pass: word'

export class HarperServer implements AsyncDisposable {
  readonly url: string
  private readonly child: ChildProcess
  private readonly folder: string
  private constructor(url: string, child: ChildProcess, folder: string) {
    this.url = url
    this.child = child
    this.folder = folder
  }

  static async start(): Promise<HarperServer> {
    const folder = mkdtempSync(join(tmpdir(), 'tblctl-harper-'))
    for (const name of ['root', 'home']) mkdirSync(join(folder, name))
    const [operations, http, replication] = await freePorts(3)
    const env = {
      PATH: process.env.PATH,
      HOME: join(folder, 'home'),
      TC_AGREEMENT: 'yes',
      ROOTPATH: join(folder, 'root'),
      HDB_ADMIN_USERNAME: username,
      HDB_ADMIN_PASSWORD: password,
      DEFAULTS_MODE: 'prod',
      THREADS_COUNT: '1',
      OPERATIONSAPI_NETWORK_PORT: `127.0.0.1:${operations}`,
      OPERATIONSAPI_NETWORK_SECUREPORT: 'null',
      OPERATIONSAPI_NETWORK_DOMAINSOCKET: 'null',
      HTTP_PORT: `127.0.0.1:${http}`,
      HTTP_SECUREPORT: 'null',
      MQTT_NETWORK_PORT: 'null',
      MQTT_NETWORK_SECUREPORT: 'null',
      REPLICATION_HOSTNAME: 'localhost',
      REPLICATION_PORT: `127.0.0.1:${replication}`,
      REPLICATION_SECUREPORT: 'null',
    }
    const preload = `data:text/javascript,${encodeURIComponent(loopback)}`
    const child = spawn(process.execPath, ['--import', preload, program, 'run'], { cwd: folder, env, stdio: 'ignore' })
    const stop = () => void child.kill('SIGKILL')
    process.once('exit', stop)
    child.once('exit', () => process.off('exit', stop))
    const server = new HarperServer(`http://127.0.0.1:${operations}`, child, folder)
    for (const deadline = Date.now() + 60_000; ; await sleep(100)) {
      if (
        await server.call({ operation: 'describe_all' }).then(
          () => true,
          () => false,
        )
      )
        return server
      if (child.exitCode === null && Date.now() < deadline) continue
      await server[Symbol.asyncDispose]()
      throw new Error('Harper did not start')
    }
  }
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGKILL')
      await once(this.child, 'exit')
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }

  /** One operation, past the driver. Rejects with what Harper says. */
  async call(body: object): Promise<any> {
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
    const headers = { 'content-type': 'application/json', authorization }
    const response = await fetch(this.url, { method: 'POST', headers, body: JSON.stringify(body) })
    const text = await response.text()
    if (!response.ok) throw new Error(text)
    return JSON.parse(text)
  }
}

/** Of this moment: whoever asks for several gets different ones. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
