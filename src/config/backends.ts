/** The backends of one context, each checked by its driver's own part of the schema. */
import type { DriverModule } from '../core/driver.ts'
import { TblctlError } from '../core/errors.ts'
import { printable } from '../core/ref.ts'
import { didYouMean } from '../core/suggest.ts'
import { issuesOf, problemsOf } from './issues.ts'
import { isMap, type Layered, layered, type PlainMap } from './layers.ts'
import type { Problem } from './problems.ts'
import { driverPackage } from './schema.ts'
import type { YamlDocument } from './yaml.ts'

/** Where driver modules come from; the config layer knows none of them. */
export interface DriverSource {
  /** Those that ship, by name. */
  readonly kinds: readonly string[]
  /** A shipped kind or a package name. Rejects when there is none. */
  load(kind: string): Promise<DriverModule>
}

export interface CheckedBackend {
  readonly driver: string
  /** What the driver's schema made of it; secrets are not resolved yet. */
  readonly config: object
  readonly layers: Layered
}

interface Drivers extends DriverSource {
  /** False: backends of this driver are passed over. */
  wanted(driver: string): boolean
}

/** Every backend that the context has, or what is wrong with it. */
export async function checkBackends(
  document: YamlDocument,
  context: string | null,
  drivers: Drivers,
): Promise<{ backends: ReadonlyMap<string, CheckedBackend>; problems: readonly Problem[] }> {
  const backends = new Map<string, CheckedBackend>()
  const problems: Problem[] = []
  const all = layered(document, ['backends'], context).value
  for (const name of isMap(all) ? Object.keys(all) : []) {
    const layers = layered(document, ['backends', name], context)
    if (!isMap(layers.value)) continue
    const checked = await checkBackend(layers, layers.value, drivers)
    if ('problems' in checked) problems.push(...checked.problems)
    else if (checked.backend !== null) backends.set(name, checked.backend)
  }
  return { backends, problems }
}

async function checkBackend(
  layers: Layered,
  value: PlainMap,
  { kinds, load, wanted }: Drivers,
): Promise<{ backend: CheckedBackend | null } | { problems: Problem[] }> {
  const { driver, ...own } = value
  if (driver === undefined) return { problems: [missingDriver(layers, own)] }
  // The shape of the file says what is wrong with it.
  if (typeof driver !== 'string') return { backend: null }
  const atDriver = (message: string): { problems: Problem[] } => {
    return { problems: [{ message: `${layers.name(['driver'])}: ${message}`, at: layers.offset(['driver'], 'value') }] }
  }
  if (!kinds.includes(driver) && !driverPackage.test(driver)) {
    const near = didYouMean(driver, kinds)
    const rest = near === undefined ? `drivers are ${kinds.join(', ')}` : `did you mean "${near}"?`
    return atDriver(`unknown driver "${printable(driver)}"; ${rest}`)
  }
  if (!wanted(driver)) return { backend: null }
  let module: DriverModule
  try {
    module = await load(driver)
  } catch (thrown) {
    return atDriver(`${printable(driver)} cannot be loaded: ${said(thrown)}`)
  }
  try {
    return { backend: { driver, config: module.config.parse(own), layers } }
  } catch (thrown) {
    const issues = issuesOf(thrown)
    if (issues !== undefined) return { problems: problemsOf(issues, own, module.config, layers) }
    return { problems: [{ message: `${layers.name([])}: ${said(thrown)}`, at: layers.offset([], 'key') }] }
  }
}

/** A misspelt `driver` is more likely than none. */
function missingDriver(layers: Layered, own: PlainMap): Problem {
  const misspelt = Object.keys(own).find((key) => didYouMean(key, ['driver']) !== undefined)
  if (misspelt === undefined)
    return { message: `key "${layers.name(['driver'])}" is missing`, at: layers.offset([], 'key') }
  const message = `unknown key "${layers.name([misspelt])}"; did you mean "driver"?`
  return { message, at: layers.offset([misspelt], 'key') }
}

function said(thrown: unknown): string {
  if (thrown instanceof TblctlError)
    return [thrown.view.message, ...(thrown.view.hint === undefined ? [] : [`try: ${thrown.view.hint}`])].join('; ')
  return printable(thrown instanceof Error ? thrown.message : String(thrown))
}
