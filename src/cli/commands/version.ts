/** `tblctl version`: what runs here, for bug reports and scripts. */
import type { CommandContext, CommandModule } from '../command.ts'
import { readPackage } from '../version.ts'

export const command: CommandModule = {
  name: 'version',
  summary: 'Show the version of tblctl and of what it runs on',
  examples: [
    { command: 'tblctl version', does: 'for people' },
    { command: 'tblctl version -o json', does: 'for scripts: .version, .node, .platform' },
  ],
  takes: ['output'],
  prints: 'object',
  async run(context: CommandContext) {
    const { version } = readPackage()
    const platform = `${process.platform}-${process.arch}`
    const object = { version, node: process.versions.node, platform }
    await context.print({
      is: 'object',
      kind: 'Version',
      object,
      name: version,
      sections: [{ lines: Object.entries(object).map(([label, value]) => ({ label, value })) }],
    })
  },
}
