/** `tblctl help TOPIC`. */
import { exitCodes } from '../../core/errors.ts'
import { sharedFlags } from '../flags/shared.ts'

export interface Topic {
  readonly name: string
  readonly summary: string
  text(): string
}

export const topics: readonly Topic[] = [
  { name: 'exit-codes', summary: 'what each exit code means', text: exitCodesText },
  { name: 'environment', summary: 'variables that tblctl reads', text: environmentText },
  { name: 'refs', summary: 'how tables, projects and globs are written', text: refsText },
]

function exitCodesText(): string {
  const rows: readonly (readonly [number, string])[] = [
    [0, 'done, or nothing to do'],
    [exitCodes.failed, 'failed, refused, bad data or a failed verification; also when only a part failed'],
    [exitCodes.usage, 'wrong usage: command, flag, ref, a missing approval, a verb that the driver does not have'],
    [exitCodes.missing, 'no such table, schema, version, job or file'],
    [exitCodes.unreachable, 'a backend is not reachable, or an engine is not installed'],
    [exitCodes.bug, 'a bug in tblctl'],
    [exitCodes.busy, 'busy: another process or an open job holds it; the same command may work later'],
    [exitCodes.denied, 'credentials or permissions are missing, or it is protected'],
    [exitCodes.config, 'tblctl.yaml is invalid, a secret is missing, or the catalog is newer than this program'],
    [exitCodes.timeout, 'stopped by --timeout'],
    [130, 'interrupted (SIGINT)'],
    [143, 'terminated (SIGTERM, SIGHUP)'],
  ]
  return `Exit codes

${rows.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`).join('\n')}

With several tables, one failure never stops or hides another: if all errors are of one kind,
its code is returned, otherwise 1. After 75, 124, 130 and 143 the same command goes on where
it stopped. With -o json the error is an object of kind Error on stderr.
`
}

function environmentText(): string {
  const flags = sharedFlags.filter((flag) => flag.variable !== null)
  const width = Math.max(...flags.map((flag) => flag.variable!.length))
  const row = (name: string, text: string): string => `  ${name.padEnd(width)}  ${text}`
  return `Environment variables

A flag wins over its variable, a variable over tblctl.yaml. An empty variable counts as not set;
for flags without a value 1, true, yes and on mean yes, and 0, false, no and off mean no.

${flags.map((flag) => row(flag.variable!, `same as ${flag.flags}`)).join('\n')}

${row('NO_COLOR', 'not empty: no colour')}
${row('FORCE_COLOR', 'not empty: colour also in a pipe (0: none); CLICOLOR_FORCE is the same')}
${row('TERM', 'dumb: no colour')}
${row('CI', 'not empty: never ask, as with --no-input')}
`
}

function refsText(): string {
  return `Refs

  lake:acme/metrics    table metrics of project acme in backend lake
  acme/metrics         the same, when only one backend has it
  metrics              project "default"
  lake:acme/           project acme: all its tables
  lake:*/metrics       every metrics table of the backend; * and ? match inside one part

A backend is a name from tblctl.yaml: a letter a-z, then letters a-z, digits and "-", at most 32.
Projects and tables have 1 to 128 letters, digits, "_", "." and "-", and begin with a letter, a
digit or "_". Put a glob in quotes, or the shell may expand it.

Approvals name what they are about: --confirm takes the ref of a single table as tblctl prints it
(lake:acme/metrics), or the count when there are several (--confirm "3 tables").
`
}
