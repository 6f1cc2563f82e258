/** An open ClickHouse backend: what every verb of this driver works with. */
import { resolve } from 'node:path'
import type { DriverEnvironment } from '../../core/driver.ts'
import { fail } from '../../core/errors.ts'
import { version as programVersion } from '../../core/version.ts'
import { openChdb } from './chdb.ts'
import type { ClickhouseConfig } from './config.ts'
import { type Executor, versionNumber } from './executor.ts'
import { openHttp } from './http.ts'

export interface Warehouse {
  /** Opened per operation and disposed after it: the embedded engine keeps every other process out while one is open. */
  executor(signal?: AbortSignal): Promise<Executor>
  /** Where the tables lie. */
  readonly database: string
  readonly backend: string
  readonly environment: DriverEnvironment
}

/** Older servers lack what the schemas need, and answer settings and parameters with syntax errors. */
const oldestVersion = '24.8'

export function openWarehouse(backend: string, config: ClickhouseConfig, environment: DriverEnvironment): Warehouse {
  let checked = false
  async function checkVersion(executor: Executor): Promise<void> {
    const version = await executor.version
    if (versionNumber(version) < versionNumber(oldestVersion))
      throw fail(
        'unsupported',
        'server-too-old',
        `ClickHouse ${version} at ${executor.place} is too old: ${oldestVersion} is the oldest that works`,
        { where: executor.place },
      )
    checked = true
  }
  return {
    backend,
    environment,
    database: config.database,
    executor: async (signal) => {
      const executor = config.url.startsWith('chdb:')
        ? await openChdb({
            folder: resolve(environment.directory, config.url.slice('chdb:'.length)),
            scratch: () => environment.scratch(),
            lockTimeoutMs: environment.lockTimeoutMs ?? 0,
            ...(signal ? { signal } : {}),
          })
        : await openHttp({
            url: config.url,
            username: config.username,
            password: config.password?.reveal() ?? '',
            application: `tblctl/${programVersion}`,
          })
      if (checked) return executor
      try {
        await checkVersion(executor)
        return executor
      } catch (error) {
        await executor[Symbol.asyncDispose]()
        throw error
      }
    },
  }
}
