/** Deletion vectors made for tests: the bytes of RoaringFormatSpec, its three kinds of containers, and Z85. */
import { crc32 } from 'node:zlib'

export type ContainerKind = 'array' | 'bits' | 'runs'

const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
const u32be = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
const u64 = (value: number): Buffer => Buffer.concat([u32(value % 2 ** 32), u32(Math.floor(value / 2 ** 32))])

function groups(numbers: readonly number[], size: number): [number, number[]][] {
  const found = new Map<number, number[]>()
  for (const number of numbers) {
    const key = Math.floor(number / size)
    const group = found.get(key)
    if (group) group.push(number % size)
    else found.set(key, [number % size])
  }
  return [...found]
}

function runsOf(numbers: readonly number[]): [first: number, more: number][] {
  const runs: [number, number][] = []
  for (const number of numbers) {
    const run = runs.at(-1)
    if (run && run[0] + run[1] + 1 === number) run[1]++
    else runs.push([number, 0])
  }
  return runs
}

function container(numbers: readonly number[], kind: ContainerKind): Buffer {
  if (kind === 'array') return Buffer.concat(numbers.map(u16))
  if (kind === 'runs') {
    const runs = runsOf(numbers)
    return Buffer.concat([u16(runs.length), ...runs.flatMap((run) => run.map(u16))])
  }
  const bits = Buffer.alloc(8192)
  for (const number of numbers) bits[number >> 3]! |= 1 << (number & 7)
  return bits
}

/** Without `runs`, a container's kind follows from how many numbers it holds, as readers assume. */
function bitmap(numbers: readonly number[], runs: boolean): Buffer {
  const containers = groups(numbers, 2 ** 16).map(([key, low]) => {
    const kind: ContainerKind = runs ? 'runs' : low.length > 4096 ? 'bits' : 'array'
    return { key, count: low.length, bytes: container(low, kind) }
  })
  const cookie = runs
    ? [u32(12347 + (containers.length - 1) * 65536), Buffer.alloc(Math.ceil(containers.length / 8), 0xff)]
    : [u32(12346), u32(containers.length)]
  const head = [...cookie, ...containers.flatMap(({ key, count }) => [u16(key), u16(count - 1)])]
  const offsets = !runs || containers.length >= 4 ? containers.map(() => u32(0)) : []
  return Buffer.concat([...head, ...offsets, ...containers.map(({ bytes }) => bytes)])
}

/** `numbers`: ascending. */
export const encodeRoaring64 = (numbers: readonly number[], runs = false): Buffer => {
  const halves = groups(numbers, 2 ** 32)
  return Buffer.concat([u64(halves.length), ...halves.flatMap(([key, low]) => [u32(key), bitmap(low, runs)])])
}

export const vectorBytes = (numbers: readonly number[], runs = false): Buffer =>
  Buffer.concat([u32(1681511377), encodeRoaring64(numbers, runs)])

/** A file of vectors, and where each begins. */
export function vectorFile(vectors: readonly Buffer[]): { bytes: Buffer; offsets: readonly number[] } {
  const offsets: number[] = []
  let bytes = Buffer.from([1])
  for (const vector of vectors) {
    offsets.push(bytes.length)
    bytes = Buffer.concat([bytes, u32be(vector.length), vector, u32be(crc32(vector))])
  }
  return { bytes, offsets }
}

export function encodeZ85(bytes: Uint8Array): string {
  const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'
  const padded = Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
  let text = ''
  for (let i = 0; i < padded.length; i += 4) {
    let value = padded.readUInt32BE(i)
    let group = ''
    for (let j = 0; j < 5; j++) {
      group = alphabet[value % 85]! + group
      value = Math.floor(value / 85)
    }
    text += group
  }
  return text
}
