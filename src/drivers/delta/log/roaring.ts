/**
 * Roaring bitmaps of 64-bit numbers in their portable form (RoaringFormatSpec, "Extension for 64-bit implementations"): a list of
 * 32-bit bitmaps by their upper halves, each a list of containers by the next 16 bits.
 */

/** Bytes that are no such bitmap; whoever reads a file adds its name. */
export class MalformedBitmap extends Error {}

const withRuns = 12347
const withoutRuns = 12346
/** Fewer containers than this come without offsets, where there are runs. */
const offsetsFrom = 4
/** More numbers than this are a bitmap of all 65536. */
const largestArray = 4096
const bitmapBytes = 8192

/** All numbers, ascending. `count`: how many there must be; no more memory is taken than those need. */
export function decodeRoaring64(bytes: Uint8Array, count: number): Uint32Array | readonly number[] {
  const input = new Input(bytes)
  const bitmaps = input.uint64()
  // A Uint32Array holds the rows of every file that is not beyond four billion of them.
  let numbers: Uint32Array | number[] = new Uint32Array(Math.min(count, bytes.length * 0x1_0000))
  let filled = 0
  let last = -1
  const add = (number: number): void => {
    if (number <= last) throw new MalformedBitmap('its numbers do not ascend')
    if (filled === count) throw new MalformedBitmap(`it holds more than ${count} numbers`)
    last = number
    numbers[filled++] = number
  }
  for (let i = 0; i < bitmaps; i++) {
    const upper = input.uint32()
    if (upper > 0x1f_ffff) throw new MalformedBitmap('it holds numbers beyond 2^53')
    if (upper > 0 && numbers instanceof Uint32Array) numbers = Array.from(numbers.subarray(0, filled))
    readBitmap(input, upper * 0x1_0000_0000, add)
  }
  if (input.left > 0) throw new MalformedBitmap(`${input.left} bytes follow its end`)
  if (filled !== count) throw new MalformedBitmap(`it holds ${filled} numbers and not ${count}`)
  return numbers
}

/** One 32-bit bitmap: what its containers are, then the containers. */
function readBitmap(input: Input, base: number, add: (number: number) => void): void {
  const cookie = input.uint32()
  const runs = (cookie & 0xffff) === withRuns
  if (!runs && cookie !== withoutRuns) throw new MalformedBitmap(`it begins with ${cookie}`)
  const size = runs ? (cookie >>> 16) + 1 : input.uint32()
  if (size > 0x1_0000) throw new MalformedBitmap(`it has ${size} containers`)
  const isRun = runs ? input.take(Math.ceil(size / 8)) : undefined
  const keys = Array.from({ length: size }, () => ({ key: input.uint16(), count: input.uint16() + 1 }))
  if (!runs || size >= offsetsFrom) input.take(4 * size)
  for (const [i, { key, count }] of keys.entries()) {
    const start = base + key * 0x1_0000
    if (isRun !== undefined && ((isRun[i >> 3]! >> (i & 7)) & 1) === 1) readRuns(input, start, add)
    else if (count > largestArray) readBits(input.take(bitmapBytes), start, add)
    else for (let n = 0; n < count; n++) add(start + input.uint16())
  }
}

function readRuns(input: Input, start: number, add: (number: number) => void): void {
  for (let runs = input.uint16(); runs > 0; runs--) {
    const first = input.uint16()
    const last = first + input.uint16()
    if (last > 0xffff) throw new MalformedBitmap('a run leaves its container')
    for (let number = first; number <= last; number++) add(start + number)
  }
}

function readBits(bits: Buffer, start: number, add: (number: number) => void): void {
  for (const [i, byte] of bits.entries())
    for (let bit = 0; bit < 8; bit++) if ((byte >> bit) & 1) add(start + i * 8 + bit)
}

/** Little-endian, checked against the end. */
class Input {
  private readonly bytes: Buffer
  private at = 0
  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
  get left(): number {
    return this.bytes.length - this.at
  }
  take(length: number): Buffer {
    if (length > this.left) throw new MalformedBitmap('it ends too early')
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }
  uint16(): number {
    return this.take(2).readUInt16LE()
  }
  uint32(): number {
    return this.take(4).readUInt32LE()
  }
  uint64(): number {
    return Number(this.take(8).readBigUInt64LE())
  }
}
