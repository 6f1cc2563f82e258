/** User tables: rows of users apart, hot in SQLite and cold in Parquet. */
import { configure, firstRow, must, runner, say, writeRows } from './stage.ts'

const count = 'select count(*) as n from t'

export async function userTables(): Promise<void> {
  say(
    'User tables: rows belong to users. New ones are hot, in SQLite; a flush makes Parquet files of them, for each user his own.',
  )
  await configure(
    'people: { driver: user-tables, hot: .tblctl/people.db, location: "file:./people/${user_id}/tables" }',
  )
  await runner.show(
    'sql',
    '--backend',
    'people',
    'CREATE USER TABLE chat.messages (id BIGINT, body TEXT) FLUSH POLICY ROWS 1000',
  )
  await writeRows(
    'messages.ndjson',
    Array.from({ length: 1000 }, (_, at) => ({ id: at + 1, body: `message ${at + 1}` })),
  )
  await runner.show('load', 'people:chat/messages', 'messages.ndjson', '--as', 'ann')
  await runner.show('flush', 'people:chat/messages')

  say('What is deleted stays deleted, in the files too; and another user sees nothing.')
  await runner.show('sql', '--backend', 'people', '--as', 'ann', 'DELETE FROM chat.messages WHERE id <= 100', '-y')
  await runner.show('flush', 'people:chat/messages')
  await runner.show('optimize', 'people:chat/messages')
  await runner.show('query', 'people:chat/messages', '--as', 'ann', count)
  await runner.show('query', 'people:chat/messages', '--as', 'bob', count)
  const [ann, bob] = [
    await firstRow('people:chat/messages', '--as', 'ann', count),
    await firstRow('people:chat/messages', '--as', 'bob', count),
  ]
  must(ann.n === 900 && bob.n === 0, `ann sees ${ann.n} rows and bob ${bob.n}`)
}
