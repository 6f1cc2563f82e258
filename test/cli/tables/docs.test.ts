import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { cliDocs } from '../../../scripts/cli-docs.ts'
import { driversDocs } from '../../../scripts/drivers-docs.ts'
import { verbs } from '../../../src/cli/verbs.ts'
import { driverKinds } from '../../../src/drivers/registry.ts'

const docs = new URL('../../../docs/', import.meta.url)
const page = (name: string): Promise<string> => readFile(new URL(name, docs), 'utf8')

it('docs/cli.md is current (node scripts/cli-docs.ts writes it)', async () => {
  expect(await page('cli.md')).toBe(await cliDocs(verbs))
})

it('docs/drivers.md is current (node scripts/drivers-docs.ts writes it)', async () => {
  expect(await page('drivers.md')).toBe(await driversDocs())
})

it.each(driverKinds)('%s has a page of its own', (kind) => {
  expect(existsSync(new URL(`${kind}.md`, docs))).toBe(true)
})
