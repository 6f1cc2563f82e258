/** What each part of the contract is handed: a fresh world and an open service layer for every test. */
import type { Tblctl } from '../../../src/api/open.ts'
import type { DriverModule, Verb } from '../../../src/core/driver.ts'
import type { DriverUnderTest, World } from './world.ts'

export interface Suite {
  readonly under: DriverUnderTest
  readonly module: DriverModule
  readonly can: ReadonlySet<Verb>
  world(): World
  tblctl(): Tblctl
  /** Tables that are in the backend and registered: created where the driver can, else made outside and adopted. */
  provide(refs: readonly string[]): Promise<void>
}

export const ref = 'lake:acme/things'
export const path = 'lake/acme/things'
