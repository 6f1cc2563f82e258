/** The statements of user tables, over the real hot store and real segments, through the whole command line. */
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openWorld, type World } from '../tables/world.ts'

const config = `version: 1
schemas: [./schemas]
backends:
  p: { driver: user-tables, hot: .tblctl/hot.db, location: "file:./u/\${user_id}/tables" }
`
let world: World
beforeAll(async () => {
  world = await openWorld(config)
  await mkdir(join(world.folder, 'schemas'))
})
afterAll(() => world[Symbol.asyncDispose]())

const sql = (statement: string, ...flags: string[]) => world.cli(['sql', '--backend', 'p', statement, ...flags])
const mutate = (user: string, statement: string) => world.json('sql', '--backend', 'p', '--as', user, statement, '-y')
const count = async (user: string) =>
  (await world.json('query', 'p:chat/messages', '--as', user, 'select count(*) as n from t')).rows[0].n

it('rows of users from their statement to their end', async () => {
  await world.ok(
    'sql',
    '--backend',
    'p',
    'CREATE USER TABLE chat.messages (id BIGINT, body TEXT) FLUSH POLICY ROWS 1000',
    '-y',
  )
  const lines = Array.from({ length: 150 }, (_, id) => `${JSON.stringify({ id, body: `b${id}` })}\n`)
  await world.write('m.ndjson', lines.join(''))
  for (const user of ['u1', "u1' OR '1'='1"]) await world.ok('load', 'p:chat/messages', 'm.ndjson', '--as', user, '-y')
  expect(await count('u1')).toBe(150)
  expect(await count('nobody')).toBe(0)

  expect(await mutate('u1', 'DELETE FROM chat.messages WHERE id <= 100')).toMatchObject({
    verb: 'mutate',
    items: [{ ref: 'p:chat/messages', status: 'changed', result: { rows: 101 } }],
  })
  await mutate('u1', "INSERT INTO chat.messages (id, body) VALUES (1000, 'it''s; new')")
  await mutate('u1', "UPDATE chat.messages SET body = 'x' WHERE id = 149")
  expect(await count('u1')).toBe(50)
  expect(await count("u1' OR '1'='1")).toBe(150)

  await world.ok('flush', 'p:chat/messages', '--as', 'u1', '-y')
  await world.ok('flush', 'p:chat/messages', '-y')
  await world.ok('optimize', 'p:chat/messages', '-y')
  expect(await count('u1')).toBe(50)
  await mutate('u1', 'DELETE FROM chat.messages WHERE id = 1000')
  expect(await count('u1')).toBe(49)
  const exported = await world.ok('export', 'p:chat/messages', '--as', 'u1', '--out', '-')
  expect(exported.stdout).not.toContain('it')
  expect(exported.stdout.trim().split('\n')).toHaveLength(49)
})

it('needs a user for rows, an approval for changes, and names its tables', async () => {
  expect(await sql('DELETE FROM chat.messages', '-y')).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('add --as USER'),
  })
  expect(await sql('DELETE FROM chat.messages', '--as', 'u1')).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('then add -y'),
  })
  expect((await sql('DELETE FROM messages', '--project', 'chat', '--as', 'u1', '--dry-run')).stdout).toContain(
    'delete 49 rows',
  )
  expect(await count('u1')).toBe(49)
  expect(await world.cli(['query', 'p:chat/messages', 'select 1'])).toMatchObject({ code: 64 })
  expect((await world.json('sql', 'SHOW TABLES IN chat')).rows).toMatchObject([{ name: 'messages', project: 'chat' }])
  expect((await world.json('sql', "SELECT * FROM TABLE_STATS('chat.messages')")).rows[0].table_name).toBe('messages')
})

it('takes a place of its own and a flush policy, from a statement or from flags', async () => {
  await world.ok(
    'sql',
    "CREATE USER TABLE own.notes (id BIGINT, body TEXT) LOCATION 'mine/${user_id}' FLUSH POLICY INTERVAL '5 minutes'",
    '-y',
  )
  await world.write('n.ndjson', '{"id":1,"body":"b"}\n')
  await world.ok('load', 'p:own/notes', 'n.ndjson', '--as', 'u1', '-y')
  await world.ok('flush', 'p:own/notes', '-y')
  expect(await readdir(join(world.folder, 'mine'))).toHaveLength(1)
  expect(JSON.stringify(await world.json('describe', 'p:own/notes'))).toContain('300')
  await world.write(
    'schemas/notes.yaml',
    'table_name: notes\nfields:\n  - { name: body, data_type: Utf8, nullable: true }\n',
  )
  await world.ok('create', 'p:own/more', '--schema', 'notes', '--flush-policy', "ROWS 77 INTERVAL '1 hour'", '-y')
  expect(JSON.stringify(await world.json('describe', 'p:own/more'))).toMatch(/77.*3600/)
  expect(await sql("CREATE USER TABLE own.bad (id BIGINT) LOCATION '/tmp/x'", '-y')).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('must contain ${user_id}'),
  })
  await world.ok('drop', 'p:own/', '--confirm', '2 tables')
})

it('is dropped for good', async () => {
  expect(await sql('DROP TABLE chat.messages', '-y')).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('--confirm p:chat/messages'),
  })
  await world.ok('drop', 'p:chat/messages', '--confirm', 'p:chat/messages')
  expect((await world.cli(['list'])).stdout).toBe('')
})
