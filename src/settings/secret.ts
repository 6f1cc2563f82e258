/** A secret in a config is a reference, resolved when its backend is opened; the value never prints. */
import { inspect } from 'node:util'

export const secretForms = 'env:NAME, file:PATH or cmd:COMMAND'

/** `toString` and `inspect` give `***`, JSON gives the reference; only `reveal` gives the value. */
export class Secret {
  /** `env:LAKE_KEY`, `file:./key.json`, `cmd:pass show lake`. */
  readonly reference: string
  readonly #value: string | null
  constructor(reference: string, value: string | null = null) {
    this.reference = reference
    this.#value = value
  }
  /** Throws before it was resolved: that is a mistake of the program, not of the config. */
  reveal(): string {
    if (this.#value === null) throw new Error('a secret was read before it was resolved')
    return this.#value
  }
  toString(): string {
    return '***'
  }
  toJSON(): string {
    return this.reference
  }
  [inspect.custom](): string {
    return '***'
  }
}

/** Undefined when the text is no reference. */
export function parseSecret(text: string): Secret | undefined {
  const reference = text.trim()
  const fits = /^(?:env:[A-Za-z_][A-Za-z0-9_]*|(?:file|cmd):[^\u0000-\u001f]*[^\s\u0000-\u001f][^\u0000-\u001f]*)$/
  return fits.test(reference) ? new Secret(reference) : undefined
}
