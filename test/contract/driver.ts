/**
 * The suite that every driver passes, in process through the service layer and, where a second process matters, in children. What a driver
 * declares in `can` is tested; what it does not declare must be refused by name.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest'
import type { Tblctl } from '../../src/api/open.ts'
import { parseRef } from '../../src/core/ref.ts'
import { loadDriver } from '../../src/drivers/registry.ts'
import { create, register } from './driver/calls.ts'
import { cancelling } from './driver/cancelling.ts'
import { declaration } from './driver/declaration.ts'
import { killing } from './driver/killing.ts'
import { loading } from './driver/loading.ts'
import { optimizing } from './driver/optimizing.ts'
import { planning } from './driver/planning.ts'
import { provisioning } from './driver/provisioning.ts'
import { racing } from './driver/racing.ts'
import { reading } from './driver/reading.ts'
import { several } from './driver/several.ts'
import { stopping } from './driver/stopping.ts'
import type { Suite } from './driver/suite.ts'
import { typing } from './driver/typing.ts'
import { type DriverUnderTest, World } from './driver/world.ts'

export async function driverContract(under: DriverUnderTest): Promise<void> {
  const module = await loadDriver(under.kind)
  describe(`driver contract: ${under.name ?? under.kind}`, () => {
    let template: World
    let world: World
    let tblctl: Tblctl
    beforeAll(async () => {
      template = await World.make(under)
    })
    afterAll(() => template[Symbol.asyncDispose]())
    beforeEach(async () => {
      world = await template.copy()
      tblctl = await world.open()
    })
    afterEach(async () => {
      await tblctl[Symbol.asyncDispose]()
      await world[Symbol.asyncDispose]()
    })
    const suite: Suite = {
      under,
      module,
      can: new Set(module.can),
      world: () => world,
      tblctl: () => tblctl,
      provide: async (refs) => {
        if (module.can.includes('create')) return void (await create(tblctl, refs))
        for (const { project, table } of refs.map(parseRef)) await under.makeOutside?.(world.folder, project, table)
        await register(tblctl, refs)
      },
    }
    declaration(suite)
    provisioning(suite)
    loading(suite)
    reading(suite)
    optimizing(suite)
    planning(suite)
    several(suite)
    stopping(suite)
    typing(suite)
    if (!under.survives) return
    cancelling(suite)
    racing(suite)
    killing(suite)
  })
}
