/**
 * S3 in this process, for what a real server does not do on demand: answers that get lost, 409, 500, bodies that break off, conditions that
 * are ignored. test/contract/object-store.ts checks it against radosgw. Keys and signatures are not looked at.
 */
import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { compareKeys } from '../../src/storage/keys.ts'

export type Fault =
  /** Carried out, and the connection ends without an answer. */
  | 'lost-reply'
  /** Not carried out: 409 ConditionalRequestConflict, 500, 503 SlowDown, 403. */
  | 'conflict'
  | 'error'
  | 'slow-down'
  | 'deny'
  /** The connection ends half-way through the body of the answer. */
  | 'reset'
  /** A listing that says that there is more and not how to get it. */
  | 'cut-listing'
  /** One whose keys come in no order, as S3 Express gives them. */
  | 'unordered'
  /** 501: the service does not know this request. */
  | 'unknown'
  /** 200 with an error for each key in it: DeleteObjects alone answers so. */
  | 'refuse-keys'
  /** The same, for one key of them: SlowDown. The others are carried out. */
  | 'slow-key'

interface Stored {
  readonly bytes: Buffer
  readonly modified: Date
}
export interface S3Double extends AsyncDisposable {
  readonly endpoint: string
  /** `METHOD /bucket/key?names` of every request, with the names of its query. */
  readonly requests: string[]
  objects(bucket: string): Map<string, Stored>
  /** Access keys that requests were signed with, each once. */
  keys(): string[]
  /** The next `times` requests whose line matches fail so. */
  inject(fault: Fault, line: RegExp, times?: number): void
  /** Uploads in parts that were begun and neither completed nor aborted. */
  unfinished(): number
  ignoresConditions: boolean
  pageSize: number
}

const escapeXml = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!)
const unescapeXml = (text: string): string =>
  text
    .replace(/&#x([0-9A-Fa-f]+);/g, (_, hex) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replace(
      /&(amp|lt|gt|quot|apos);/g,
      (_, name) => ({ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" })[name as 'amp'],
    )
const etagOf = (bytes: Buffer): string => `"${createHash('md5').update(bytes).digest('hex')}"`

export async function startS3Double(...buckets: readonly string[]): Promise<S3Double> {
  const store = new Map(buckets.map((name) => [name, new Map<string, Stored>()]))
  const uploads = new Map<string, { key: string; parts: Map<number, Buffer> }>()
  const seen = new Set<string>()
  const faults: { fault: Fault; line: RegExp; times: number }[] = []

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const double: S3Double = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    objects: (bucket) => store.get(bucket)!,
    keys: () => [...seen],
    inject: (fault, line, times = 1) => void faults.push({ fault, line, times }),
    unfinished: () => uploads.size,
    ignoresConditions: false,
    pageSize: 1000,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }

  function faultOf(line: string): Fault | undefined {
    const found = faults.find((one) => one.times > 0 && one.line.test(line))
    if (found) found.times--
    return found?.fault
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, double.endpoint)
    const [, bucketName = '', path = ''] = /^\/([^/]*)\/?(.*)$/s.exec(url.pathname)!
    const key = decodeURIComponent(path)
    const query = url.searchParams
    query.delete('x-id') // the SDK's own note of what the request is
    const line = `${request.method} /${bucketName}/${key}${query.size > 0 ? `?${[...query.keys()].join('&')}` : ''}`
    double.requests.push(line)
    seen.add(/Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? '')
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)

    const fault = faultOf(line)
    const send = (status: number, text: string | Buffer = '', headers: Record<string, string> = {}): void => {
      if (fault === 'lost-reply') return void request.socket.destroy()
      const bytes = Buffer.from(text)
      response.writeHead(status, { 'content-length': String(bytes.length), ...headers })
      if (request.method === 'HEAD') return void response.end()
      if (fault !== 'reset') return void response.end(bytes)
      response.write(bytes.subarray(0, bytes.length >> 1), () => request.socket.destroy())
    }
    const refuse = (status: number, code: string): void =>
      send(status, `<?xml version="1.0"?><Error><Code>${code}</Code><Message>injected or not</Message></Error>`)
    if (fault === 'conflict') return refuse(409, 'ConditionalRequestConflict')
    if (fault === 'error') return refuse(500, 'InternalError')
    if (fault === 'slow-down') return refuse(503, 'SlowDown')
    if (fault === 'deny') return refuse(403, 'AccessDenied')
    if (fault === 'unknown') return refuse(501, 'NotImplemented')
    const bucket = store.get(bucketName)
    if (!bucket) return refuse(404, 'NoSuchBucket')
    const taken = (): boolean =>
      request.headers['if-none-match'] === '*' && bucket.has(key) && !double.ignoresConditions

    if (key === '' && request.method === 'GET') return send(200, list(bucket, query, fault))
    if (key === '' && request.method === 'POST' && query.has('delete')) {
      if (fault === 'refuse-keys')
        return send(
          200,
          '<?xml version="1.0"?><DeleteResult><Error><Key>root/d/7</Key><Code>AccessDenied</Code></Error></DeleteResult>',
        )
      const names = [...body.toString().matchAll(/<Key>(.*?)<\/Key>/gs)].map(([, name]) => name!)
      const slow = fault === 'slow-key' ? names.shift() : undefined
      for (const name of names) bucket.delete(unescapeXml(name))
      const errors = slow === undefined ? '' : `<Error><Key>${slow}</Key><Code>SlowDown</Code></Error>`
      return send(200, `<?xml version="1.0"?><DeleteResult>${errors}</DeleteResult>`)
    }
    const upload = uploads.get(query.get('uploadId') ?? '')
    switch (request.method) {
      case 'PUT': {
        if (upload) {
          upload.parts.set(Number(query.get('partNumber')), body)
          return send(200, '', { etag: etagOf(body) })
        }
        if (taken()) return refuse(412, 'PreconditionFailed')
        bucket.set(key, { bytes: body, modified: new Date() })
        return send(200, '', { etag: etagOf(body) })
      }
      case 'POST': {
        if (query.has('uploads')) {
          const id = randomUUID()
          uploads.set(id, { key, parts: new Map() })
          return send(200, `<?xml version="1.0"?><R><UploadId>${id}</UploadId></R>`)
        }
        if (!upload) return refuse(404, 'NoSuchUpload')
        if (taken()) return refuse(412, 'PreconditionFailed')
        const bytes = Buffer.concat([...upload.parts].sort(([a], [b]) => a - b).map(([, part]) => part))
        bucket.set(key, { bytes, modified: new Date() })
        uploads.delete(query.get('uploadId')!)
        return send(200, `<?xml version="1.0"?><R><ETag>${escapeXml(etagOf(bytes))}</ETag></R>`)
      }
      case 'DELETE':
        if (query.has('uploadId')) uploads.delete(query.get('uploadId')!)
        else bucket.delete(key)
        return send(204)
      default: {
        const found = bucket.get(key)
        if (!found) return refuse(404, 'NoSuchKey')
        const headers = { etag: etagOf(found.bytes), 'last-modified': found.modified.toUTCString() }
        const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
        if (!range) return send(200, found.bytes, { ...headers, 'content-length': String(found.bytes.length) })
        if (Number(range[1]) >= found.bytes.length) return refuse(416, 'InvalidRange')
        return send(206, found.bytes.subarray(Number(range[1]), Number(range[2]) + 1), headers)
      }
    }
  }

  function list(bucket: ReadonlyMap<string, Stored>, query: URLSearchParams, fault: Fault | undefined): string {
    const cut = fault === 'cut-listing'
    const prefix = query.get('prefix') ?? ''
    const after = query.get('continuation-token') ?? query.get('start-after') ?? ''
    const delimiter = query.get('delimiter')
    const encode = (key: string): string => encodeURIComponent(key).replaceAll('%20', '+')
    const found = new Map<string, string>()
    for (const [key, { bytes, modified }] of [...bucket].sort(([a], [b]) => compareKeys(a, b))) {
      if (!key.startsWith(prefix)) continue
      const end = delimiter === null ? -1 : key.indexOf(delimiter, prefix.length)
      const name = end < 0 ? key : key.slice(0, end + 1)
      if (compareKeys(name, after) <= 0 && after !== '') continue
      const told = `<Size>${bytes.length}</Size><LastModified>${modified.toISOString()}</LastModified><ETag>${escapeXml(etagOf(bytes))}</ETag>`
      found.set(
        name,
        end < 0
          ? `<Contents><Key>${encode(key)}</Key>${told}</Contents>`
          : `<CommonPrefixes><Prefix>${encode(name)}</Prefix></CommonPrefixes>`,
      )
    }
    const page = [...found].slice(0, double.pageSize)
    if (fault === 'unordered') page.reverse()
    const truncated = found.size > page.length || cut
    const next = truncated && !cut ? `<NextContinuationToken>${escapeXml(page.at(-1)![0])}</NextContinuationToken>` : ''
    return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><EncodingType>url</EncodingType><IsTruncated>${truncated}</IsTruncated>${next}${page.map(([, xml]) => xml).join('')}</ListBucketResult>`
  }
  return double
}
