/** Z85 (ZeroMQ RFC 32): four bytes as five printable characters; how a log writes UUIDs and small deletion vectors. */
const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'
const digits = new Map([...alphabet].map((character, value) => [character, value]))

/** Undefined for text that is no Z85. */
export function decodeZ85(text: string): Buffer | undefined {
  if (text.length % 5 !== 0) return undefined
  const bytes = Buffer.alloc((text.length / 5) * 4)
  for (let i = 0; i < text.length; i += 5) {
    let value = 0
    for (let j = i; j < i + 5; j++) value = value * 85 + (digits.get(text[j]!) ?? Number.NaN)
    if (!(value <= 0xffff_ffff)) return undefined
    bytes.writeUInt32BE(value, (i / 5) * 4)
  }
  return bytes
}
