import { describe, expect, it } from 'vitest'
import { cliDocs } from '../../../scripts/cli-docs.ts'
import { echoCommand, listCommand, withVerbs } from './fake-verbs.ts'

describe('the page of the command line', () => {
  it('has every command with its sub-commands, arguments and flags, and no hidden one', async () => {
    const jobs = { name: 'jobs', summary: 'Work with jobs', examples: [], children: [{ ...echoCommand, name: 'show' }] }
    const page = await cliDocs(withVerbs([listCommand, jobs]))
    for (const text of [
      '### tblctl list\n\nList tables.\n\nAlso `ls`.',
      '```sh\ntblctl list -o json   # for scripts\n\ntblctl list [refs...] [flags]\n```',
      '- `[refs...]` refs or globs',
      '| `--schema <name>` | of this schema |',
      '| `-o, --output <format>` | how data is printed: table, wide, json, yaml, name, ndjson, csv |',
      '### tblctl jobs\n\nWork with jobs.\n\n### tblctl jobs show',
      '### tblctl version',
      '### tblctl help exit-codes',
    ])
      expect(page).toContain(text)
    expect(page).not.toContain('tblctl complete ')
    const list = page.slice(page.indexOf('### tblctl list'), page.indexOf('### tblctl jobs'))
    expect(list).not.toContain('--run-id')
  })
})
