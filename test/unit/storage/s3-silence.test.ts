/** Services that do not speak S3, or do not speak at all: they are told apart, and no command waits for ever. */
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { ListBucketsCommand } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { errorView } from '../../../src/core/errors.ts'
import { openS3Store } from '../../../src/storage/s3.ts'
import { openS3Connection, type S3Options } from '../../../src/storage/s3-client.ts'
import { noSilence, usualPatience } from '../../../src/storage/s3-patience.ts'

const errorOf = (work: Promise<unknown>) => work.then(() => expect.unreachable('it did not fail'), errorView)
const bytes = new TextEncoder().encode('x')

async function listening(server: Server): Promise<{ endpoint: string } & AsyncDisposable> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
/** Takes connections; what it sends is up to `begin`. */
async function silentServer(begin: (socket: Socket) => void = () => {}) {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = await listening(
    createServer((socket) => {
      connections++
      sockets.add(socket.on('error', () => {}))
      begin(socket)
    }),
  )
  return {
    ...server,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await server[Symbol.asyncDispose]()
    },
  }
}
function storeAt(endpoint: string, more: Partial<S3Options> = {}) {
  const patience = { ...usualPatience, answerMs: 150, remarkMs: 20, retryMs: 2 }
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
  const options = { endpoint, region: 'us-east-1', forcePathStyle: true, credentials, patience, ...more }
  const connection = openS3Connection(options)
  return { connection, store: openS3Store('s3://bucket/root', connection) }
}

describe('a service that takes connections and never answers', () => {
  it('is tried three times, said once, and then not waited for again', async () => {
    await using server = await silentServer()
    const remarks: string[] = []
    const silence = noSilence()
    const { connection, store } = storeAt(server.endpoint, { silence, remark: (message) => remarks.push(message) })
    await using _ = connection
    expect(await errorOf(store.read('a'))).toMatchObject({
      kind: 'unreachable',
      code: 'storage-unreachable',
      message: expect.stringContaining(`no answer from ${server.endpoint}`),
    })
    expect(server.connections()).toBe(3)
    for (const again of [store.head('a'), Array.fromAsync(store.list('')), store.putIfAbsent('a', bytes)])
      expect(await errorOf(again)).toMatchObject({ kind: 'unreachable' })
    expect(server.connections()).toBe(3)
    // Nor with other keys.
    await using other = storeAt(server.endpoint, { silence }).connection
    await expect((await other.open()).client.send(new ListBucketsCommand())).rejects.toThrow()
    expect(server.connections()).toBe(3)
    expect(remarks).toEqual([expect.stringContaining(server.endpoint)])
  })

  it('a commit has no more patience than the rest', async () => {
    await using server = await silentServer()
    const { connection, store } = storeAt(server.endpoint)
    await using _ = connection
    expect(await errorOf(store.putIfAbsent('a', bytes))).toMatchObject({ code: 'write-unknown', retry: 'resume' })
    expect(server.connections()).toBe(3)
  })

  it('is asked again after a while, and forgiven when it answers', async () => {
    let speaks = false
    await using server = await silentServer((socket) => {
      if (speaks) socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n')
    })
    const patience = { ...usualPatience, answerMs: 50, silentMs: 20 }
    const { connection, store } = storeAt(server.endpoint, { patience })
    await using _ = connection
    expect(await errorOf(store.head('a'))).toMatchObject({ kind: 'unreachable' })
    speaks = true
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(await store.head('a')).toBeUndefined()
    expect(await store.head('b')).toBeUndefined()
  })

  it('also in the middle of a body', async () => {
    const head = 'HTTP/1.1 200 OK\r\netag: "e"\r\ncontent-length: 100\r\n\r\nhalf'
    await using server = await silentServer((socket) => void socket.write(head))
    const { connection, store } = storeAt(server.endpoint)
    await using _ = connection
    expect(await errorOf(store.read('a'))).toMatchObject({ kind: 'unreachable', code: 'storage-unreachable' })
    expect(server.connections()).toBe(3)
  })

  it('a signal, and the end of the connection, break every request off', async () => {
    await using server = await silentServer()
    const stop = new AbortController()
    const stopped = storeAt(server.endpoint, { patience: usualPatience, signal: stop.signal })
    const closed = storeAt(server.endpoint, { patience: usualPatience })
    await using _ = stopped.connection
    const waiting = [
      stopped.store.read('a'),
      stopped.store.putIfAbsent('a', bytes),
      Array.fromAsync(closed.store.list('')),
    ]
    const ended = Promise.allSettled(waiting)
    await expect.poll(() => server.connections()).toBe(3)
    stop.abort()
    await closed.connection[Symbol.asyncDispose]()
    // No finding about the service: whoever broke it off says why.
    expect(await ended).toMatchObject(Array(3).fill({ reason: { name: 'AbortError' } }))
    await expect(stopped.store.head('a')).rejects.toMatchObject({ name: 'AbortError' })
    expect(server.connections()).toBe(3)
  })
})

describe.each([
  ['a page', '<!DOCTYPE html><html><body>Welcome<br></body></html>'],
  ['a page that is XML', '<html><body>Welcome</body></html>'],
  ['nothing', ''],
])('a web server that answers everything with %s', (_name, page) => {
  it('is no S3 service, whatever it is asked', async () => {
    await using server = await listening(
      createHttpServer((request, response) => {
        request.resume()
        response.writeHead(200, { 'content-type': 'text/html' }).end(page)
      }),
    )
    const { connection, store } = storeAt(server.endpoint)
    await using _ = connection
    for (const attempt of [
      Array.fromAsync(store.list('')),
      Array.fromAsync(store.folders('')),
      store.head('a'),
      store.read('a'),
      store.put('a', bytes),
      store.putIfAbsent('a', bytes),
    ])
      expect(await errorOf(attempt)).toMatchObject({
        kind: 'unreachable',
        code: 'no-s3-service',
        message: expect.stringContaining(server.endpoint),
      })
  })
})
