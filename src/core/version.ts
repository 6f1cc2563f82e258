/** This program's version, as package.json has it. Both src/core/ and dist/core/ stand two levels below it. */
import { readFileSync } from 'node:fs'

export const version = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version
