/** The text of a new tblctl.yaml, for `tblctl init`. */
import { dump } from 'js-yaml'
import { fail } from '../core/errors.ts'
import { isBackendName, printable } from '../core/ref.ts'
import { writeWhole } from './files.ts'
import { defaultCatalog } from './schema.ts'

export interface NewConfig {
  /** Path or URL of tblctl.schema.json, for editors. */
  readonly jsonSchema: string
  /** As it will stand in the file; null = the default. */
  readonly catalog: string | null
  readonly backends: readonly {
    readonly name: string
    readonly driver: string
    /** The driver's own keys; secrets as references. */
    readonly config: object
  }[]
}

/** Reads back as what was given. Throws usage `bad-backend-name` for a name that refs cannot hold. */
export function newConfigText(config: NewConfig): string {
  const lines = [
    `# yaml-language-server: $schema=${printable(config.jsonSchema)}`,
    '',
    'version: 1',
    '',
    '# Where tblctl keeps its tables, jobs and audit trail, relative to this file.',
    yaml({ catalog: config.catalog ?? defaultCatalog }),
    '# Connections by name: a table is named backend:project/table.',
    '# A secret is a reference (env:NAME, file:PATH or cmd:COMMAND), never the value itself.',
  ]
  const backends: Record<string, object> = {}
  for (const { name, driver, config: own } of config.backends) {
    const twice = Object.hasOwn(backends, name)
    if (!isBackendName(name) || twice) throw badName(name, twice)
    backends[name] = { driver, ...JSON.parse(JSON.stringify(own)) }
  }
  return `${[...lines, yaml({ backends })].join('\n')}\n`
}

/** Never over a file that is there: throws `refused` `file-exists`. */
export function writeNewConfig(file: string, config: NewConfig): Promise<void> {
  return writeWhole(file, newConfigText(config), { mode: 0o644, step: 'config.init', exclusive: true })
}

const yaml = (value: object): string => dump(value, { lineWidth: -1, noRefs: true }).trimEnd()

function badName(name: string, twice: boolean): Error {
  const why = twice ? 'is there twice' : 'is no backend name ([a-z][a-z0-9-]*, at most 32 characters)'
  return fail('usage', 'bad-backend-name', `"${printable(name)}" ${why}`)
}
