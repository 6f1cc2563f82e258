/** `node scripts/drivers-docs.ts`: writes docs/drivers.md, what each driver can, from the drivers' own declarations. A test keeps the page true. */
import { writeFile } from 'node:fs/promises'
import { describeDrivers } from '../src/api/open.ts'

export async function driversDocs(): Promise<string> {
  const drivers = await describeDrivers()
  const verbs = [...new Set(drivers.flatMap(({ can }) => can))].sort()
  const row = (what: string, holds: (driver: (typeof drivers)[number]) => boolean): string =>
    `| ${what} | ${drivers.map((driver) => (holds(driver) ? '✓' : '–')).join(' | ')} |`
  const parts = [
    '# What each driver can',
    '<!-- written by scripts/drivers-docs.ts from what each driver declares; change the drivers, not this page -->',
    'What a driver cannot is refused by name, with the drivers that can. `tblctl drivers` prints this table. `list`, `describe`, `stats`, `label` and `doctor` work with every driver.',
    [
      `| | ${drivers.map(({ driver }) => `[${driver}](${driver}.md)`).join(' | ')} |`,
      `|---|${drivers.map(() => ':-:|').join('')}`,
      row('runs without a server', ({ embedded }) => embedded),
      row('run against the real thing', ({ verified }) => verified),
      row('rows belong to users (`--as`)', ({ users }) => users),
      ...verbs.map((verb) => row(`\`${verb.replace('.', ' ')}\``, ({ can }) => can.includes(verb))),
    ].join('\n'),
  ]
  return `${parts.join('\n\n')}\n`
}

if (import.meta.main) await writeFile(new URL('../docs/drivers.md', import.meta.url), await driversDocs())
