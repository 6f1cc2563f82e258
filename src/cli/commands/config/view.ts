/** `tblctl config view`: the config as it counts. */
import type { Tblctl } from '../../../api/open.ts'
import type { CommandContext, CommandModule } from '../../command.ts'
import type { Column } from '../../output/view.ts'

type Setting = ReturnType<Tblctl['view']>['settings'][number]

const columns: readonly Column<Setting>[] = [
  { name: 'key', value: (setting) => setting.key },
  { name: 'value', value: (setting) => setting.value },
]
const origin: Column<Setting> = { name: 'origin', value: (setting) => setting.origin }

export const view: CommandModule<object, { showOrigin?: boolean }> = {
  name: 'view',
  summary: 'Show the config as it counts, secrets as their references',
  examples: [
    { command: 'tblctl config view', does: 'every setting' },
    { command: 'tblctl config view --show-origin --context prod', does: 'and which file, variable or flag it is from' },
    { command: 'tblctl config view -o yaml', does: 'for scripts: .catalog, .backends' },
  ],
  options: [{ flags: '--show-origin', description: 'where each setting comes from' }],
  takes: ['config', 'output'],
  prints: 'object',
  async run({ api, print }: CommandContext<Tblctl>, _args, { showOrigin = false }) {
    const { effective, settings } = (await api()).view()
    const origins = Object.fromEntries(settings.map((setting) => [setting.key, setting.origin]))
    await print({
      is: 'object',
      kind: 'Config',
      object: { ...effective, ...(showOrigin ? { origins } : {}) },
      name: String(effective.file),
      sections: [{ table: { columns: showOrigin ? [...columns, origin] : columns, items: settings } }],
    })
  },
}
