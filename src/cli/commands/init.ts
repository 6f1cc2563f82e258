/** `tblctl init`: a tblctl.yaml to begin with. */
import { resolve } from 'node:path'
import { type Initialized, initialize, requireNoConfig } from '../../api/init.ts'
import type { CommandContext, CommandModule } from '../command.ts'
import { clean } from '../output/text.ts'
import { ask } from './init/ask.ts'
import { fromFlags, type InitFlags, parseBackend, usualBackend } from './init/flags.ts'

export const command: CommandModule<object, InitFlags> = {
  name: 'init',
  summary: 'Write a tblctl.yaml to begin with',
  description:
    'On a terminal it asks what the flags do not say. Without one, or with -y, it takes the usual: the embedded catalog, and a backend "lake" of the driver delta in the folder lake. It never changes a tblctl.yaml that is there.',
  examples: [
    { command: 'tblctl init', does: 'asks' },
    { command: 'tblctl init -y', does: 'Delta tables below ./lake, without a question' },
    { command: 'tblctl init --backend lake=delta --url file:/data/lake', does: 'Delta tables somewhere else' },
    { command: 'tblctl init --backend lake=delta --backend scratch=memory', does: 'several backends' },
  ],
  options: [
    {
      flags: '--backend <name=driver>',
      description: 'a backend, with the settings of an example; may stand several times (tblctl drivers)',
      parse: parseBackend,
      repeat: true,
    },
    { flags: '--url <url>', description: 'where the tables of the backend lie, when its driver has a URL' },
    { flags: '--catalog <path>', description: 'file of the catalog (.tblctl/catalog.db)', completes: 'file' },
    {
      flags: '--directory <folder>',
      description: 'where tblctl.yaml is written (the working directory)',
      completes: 'file',
    },
  ],
  takes: ['output', 'approval'],
  prints: 'object',
  async run(context: CommandContext, _args, flags) {
    const { io, global } = context
    const directory = resolve(io.directory, flags.directory ?? '.')
    await requireNoConfig(directory)
    const asks = io.canPrompt && !global.yes
    const said = await fromFlags(flags)
    const chosen = asks
      ? await ask(context, said)
      : { catalog: said.catalog, backends: said.backends ?? [await usualBackend()] }
    const done = await initialize({ directory, ...chosen })
    await printDone(context, done)
    if (global.quiet) return
    if (!asks && said.backends === null) io.stderr.say(usualText(done))
    for (const line of nextSteps(context, done)) io.stderr.say(line)
  },
}

async function printDone({ print }: CommandContext, done: Initialized): Promise<void> {
  await print({
    is: 'object',
    kind: 'Init',
    object: done,
    name: done.file,
    sections: [
      {
        lines: [
          { label: 'config', value: done.file },
          { label: 'catalog', value: done.catalog },
          ...done.backends.map(({ name, driver, config }) => {
            const settings = Object.entries(config).map(([key, value]) => `${key} ${String(value)}`)
            return { label: 'backend', value: [name, driver, ...settings].join('  ') }
          }),
        ],
      },
    ],
  })
}

const usualText = ({ backends: [backend] }: Initialized): string =>
  `nothing was said about a backend: ${backend!.name} (${backend!.driver}) is one to begin with`

function nextSteps({ io, env }: CommandContext, { file, backends, gitignore }: Initialized): string[] {
  const lines: string[] = []
  if (gitignore === 'added') lines.push('.tblctl/ was added to .gitignore')
  if (gitignore === 'missing') lines.push('add .tblctl/ to a .gitignore: the catalog in it belongs to this machine')
  const variable = env.TBLCTL_CONFIG
  if (variable !== undefined && variable !== '' && resolve(io.directory, variable) !== file)
    lines.push(`TBLCTL_CONFIG names another config, ${clean(variable)}, and that one counts while it is set`)
  const steps = [
    ['tblctl doctor', 'is everything there?'],
    [`tblctl create ${backends[0]?.name ?? 'lake'}:acme/metrics --schema metrics`, 'a first table'],
    ['tblctl list', 'all tables'],
  ] as const
  const width = Math.max(...steps.map(([command]) => command.length))
  return [...lines, 'next:', ...steps.map(([command, does]) => `  ${command.padEnd(width)}  ${does}`)]
}
