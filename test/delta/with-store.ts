/** The service layer over a lake whose object store a test has its hands in. */

import { operate } from '../../src/api/operate.ts'
import { provision } from '../../src/api/provision.ts'
import { openSession, type Session } from '../../src/api/session.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { ReportItem } from '../../src/core/host.ts'
import { openDeltaDriver } from '../../src/drivers/delta/driver.ts'
import { driverKinds, loadDriver } from '../../src/drivers/registry.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { silent, stopSwitch } from '../support/open.ts'

export async function sessionWith(folder: string, wrap: (store: ObjectStore) => ObjectStore): Promise<Session> {
  const config = await loadConfig({
    flags: {},
    cwd: folder,
    env: {},
    home: folder,
    drivers: { kinds: driverKinds, load: loadDriver },
    warn: () => {},
  })
  return openSession({
    config,
    run: 'test',
    env: {},
    directory: '/',
    approver: { approve: async () => true },
    reporter: silent,
    stop: stopSwitch(),
    lockTimeoutMs: 0,
    parallelism: 1,
    loadDriver: async (kind) => ({
      ...(await loadDriver(kind)),
      open: async (backend, settings, environment) => openDeltaDriver(backend, settings, environment, wrap),
    }),
  })
}

export async function createWith(session: Session, ref: string, schema: string): Promise<ReportItem> {
  return (await provision(session, 'create', [ref], { schema, location: null, labels: {} }, false)).items[0]!
}
export async function optimizeWith(session: Session, path: string, targetSize: number | null): Promise<ReportItem> {
  const spec = (await session.catalog().table(path))?.spec ?? null
  return (await operate(session, 'optimize', [{ kind: 'table', path, spec }], { targetSize })).items[0]!
}

/** Calls `hook` once, before the n-th commit that is put. */
export function beforeCommit(inner: ObjectStore, n: number, hook: () => unknown): ObjectStore {
  let commits = 0
  return {
    ...inner,
    async putIfAbsent(key, bytes) {
      if (++commits === n) await hook()
      return inner.putIfAbsent(key, bytes)
    },
  }
}
