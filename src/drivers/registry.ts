/** The only list of drivers. A driver is a folder here and a line below; a third party's is a package that the config names. */
import type { DriverModule } from '../core/driver.ts'
import { fail } from '../core/errors.ts'
import { didYouMean } from '../core/suggest.ts'

const drivers: Readonly<Record<string, () => Promise<{ readonly driver: DriverModule }>>> = {
  bigquery: () => import('./bigquery/module.ts'),
  clickhouse: () => import('./clickhouse/module.ts'),
  delta: () => import('./delta/module.ts'),
  harper: () => import('./harper/module.ts'),
  memory: () => import('./memory/module.ts'),
  'sharded-sql': () => import('./sharded-sql/module.ts'),
  'user-tables': () => import('./user-tables/module.ts'),
}

export const driverKinds: readonly string[] = Object.keys(drivers)

/** `delta`, or the name of an npm package that exports `driver`. */
export async function loadDriver(kind: string): Promise<DriverModule> {
  const load = drivers[kind]
  if (load) return (await load()).driver
  if (!/^(@[a-z0-9-]+\/)?tblctl-driver-[a-z0-9-]+$/.test(kind)) {
    const meant = didYouMean(kind, driverKinds)
    throw fail('config', 'unknown-driver', `there is no driver "${kind}"`, {
      hint: meant ? `did you mean ${meant}?` : `drivers are ${driverKinds.join(', ')}`,
    })
  }
  let found: { driver?: DriverModule }
  try {
    found = (await import(kind)) as { driver?: DriverModule }
  } catch (cause) {
    throw fail('unreachable', 'driver-not-installed', `the driver package ${kind} is not installed or does not load`, {
      hint: `npm install ${kind}`,
      cause,
    })
  }
  if (!found.driver) throw fail('config', 'not-a-driver', `the package ${kind} exports no "driver"`)
  return found.driver
}
