import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { cliDocs } from '../../../scripts/cli-docs.ts'
import { verbs } from '../../../src/cli/verbs.ts'

it('docs/cli.md is current (node scripts/cli-docs.ts writes it)', async () => {
  const page = await readFile(new URL('../../../docs/cli.md', import.meta.url), 'utf8')
  expect(page).toBe(await cliDocs(verbs))
})
