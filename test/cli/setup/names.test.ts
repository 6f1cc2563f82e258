/** The names of machine output are a promise: a change shows here. */
import { expect, it } from 'vitest'
import { newJob } from '../../contract/catalog.ts'
import { memoryConfig, names, projectWithTable, table, tablePath } from './project.ts'

const golden = new URL('../../golden/json-setup.txt', import.meta.url).pathname

/** Below these the names are those of drivers and of the user's own config. */
const whatDriversSay = /(plan|result|detail|logs\[\]\.fields|origins|backends)\..*/

it('JSON has these names', async () => {
  using project = await projectWithTable()
  project.write('tblctl.yaml', `${memoryConfig}contexts: { prod: { catalog: "cmd:echo x" } }\n`)
  await project.ok(`reshard ${table} --shards 3 -y`)
  const { items } = await project.json('jobs list')
  const commands = [
    'version',
    'config view --show-origin',
    'config trust --dry-run',
    'context list',
    'context clear',
    'drivers',
    'doctor',
    'doctor --print-policy',
    'schema list',
    'schema show metrics',
    'schema validate tblctl.yaml',
    'schema diff metrics events',
    'jobs list',
    `jobs show ${items[0].id}`,
    `jobs logs ${items[0].id}`,
    `unlock ${table} --dry-run`,
    'audit',
    'worker --once',
    'jobs prune --older-than 1d',
    'init --directory other',
  ]
  const parts: string[] = []
  for (const command of commands) {
    const { stdout } = await project.run([...command.split(' '), '-o', 'json'])
    const found = names(JSON.parse(stdout)).map((name) => name.replace(whatDriversSay, '$1.…'))
    parts.push(`${command.replace(items[0].id, 'ID')}\n${[...new Set(found)].map((name) => `  ${name}\n`).join('')}`)
  }
  await expect(parts.join('\n')).toMatchFileSnapshot(golden)
})

it.each([
  ['jobs list', 'id,verb,ref,state,phase,progress,age,attempts,owner,actor,run,created,finished'],
  ['jobs logs ID', 'at,level,message,fields'],
  ['audit', 'at,actor,verb,ref,outcome,job,run,detail'],
  [`unlock ${table} --dry-run`, 'ref,verb,job,owner,since,until,mode,freed'],
  ['schema list', 'name,version,columns,origin,description,file,overrides'],
  ['doctor', 'backend,check,ok,detail,fix'],
  ['doctor --print-policy', 'backend,driver,policy'],
  ['worker --once', 'ref,status,job,detail'],
])('csv of %s has these columns', async (command, header) => {
  using project = await projectWithTable()
  await project.withCatalog((catalog) => catalog.begin(newJob('held', tablePath), 'elsewhere/1/0/x', 30_000))
  const id = (await project.ok('jobs list -o name --state done')).stdout.trim()
  const { stdout } = await project.ok(`${command.replace('ID', id)} -o csv`)
  const [first, ...rows] = stdout.split('\n')
  expect(first).toBe(header)
  if (!command.startsWith('worker')) expect(rows.length).toBeGreaterThan(1)
})
