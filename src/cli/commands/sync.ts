/** `tblctl sync …`: tables that follow tables of a source. */
import type { CommandModule } from '../command.ts'
import { pause } from './sync/pause.ts'
import { resume } from './sync/resume.ts'
import { run } from './sync/run.ts'
import { status } from './sync/status.ts'

export const command: CommandModule = {
  name: 'sync',
  summary: 'Let tables follow tables of a source: run, status, pause, resume',
  description:
    "The syncs stand in the section sync: of the config. A configuration of Harper's BigQuery plugin (it has bigquery: and no version:) is taken as it is.",
  examples: [
    { command: 'tblctl sync run', does: 'every sync, up to what the sources hold now' },
    { command: 'tblctl sync status', does: 'how far each one is' },
    { command: 'tblctl sync run --config config.yaml', does: 'the tables of a Harper configuration' },
  ],
  children: [run, status, pause, resume],
}
