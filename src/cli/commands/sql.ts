/** `tblctl sql`: one SQL statement about a table, over the same operations as the commands. */
import type { CommandModule } from '../command.ts'
import { segment } from '../flags/values.ts'
import { orderColumns } from '../output/columns.ts'
import { reportColumns } from '../output/report.ts'
import { printReport } from '../tables/operation.ts'
import { printSqlResult } from '../tables/sql-result.ts'
import { readStatement } from '../tables/statement.ts'
import { changing, type TableContext } from '../tables/traits.ts'
import { asOption } from '../tables/user.ts'

interface Options {
  readonly backend?: string
  readonly project?: string
  readonly as?: string
  readonly file?: string
}

export const command: CommandModule<{ statement?: string }, Options> = {
  name: 'sql',
  summary: 'Run one SQL statement that creates, shows, changes or drops a table',
  description:
    "CREATE TABLE, CREATE USER TABLE, DROP TABLE, SHOW TABLES, DESCRIBE, SELECT * FROM TABLE_STATS('t'), and INSERT, UPDATE, DELETE on rows of a user. users is BACKEND:default/users, chat.messages is BACKEND:chat/messages.\n\nIt plans, asks and reports as the commands do; dropping a table needs its ref. Rows are read with tblctl query.",
  examples: [
    {
      command:
        'tblctl sql --backend shop "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL) /* SHARDS=4 */"',
      does: 'a table of four shards',
    },
    {
      command:
        'tblctl sql --backend people "CREATE USER TABLE chat.messages (id BIGINT, body TEXT) FLUSH POLICY ROWS 1000"',
      does: 'a table whose rows belong to users',
    },
    {
      command: 'tblctl sql --backend people --as u1 "DELETE FROM chat.messages WHERE id <= 100" -y',
      does: "rows of one user; others' rows are not seen",
    },
    { command: `tblctl sql --backend shop "SELECT * FROM TABLE_STATS('users')" -o json`, does: 'rows by shard' },
    { command: 'tblctl sql --backend shop "DROP TABLE users" --confirm shop:default/users', does: 'gone for good' },
  ],
  arguments: [{ name: '[statement]', description: 'one statement, or - to read it from standard input' }],
  options: [
    {
      flags: '--backend <name>',
      description: 'where the table is; may be left out when there is one backend',
      parse: segment,
      completes: 'backend',
    },
    {
      flags: '--project <name>',
      description: 'of tables whose name has none (default); SHOW TABLES: only this one',
      parse: segment,
      completes: 'project',
    },
    asOption,
    { flags: '-f, --file <file>', description: 'read the statement from this file', completes: 'file' },
  ],
  takes: changing,
  columns: 'dynamic',
  async run(context: TableContext, { statement }, { backend, project, as, file }) {
    const { io, global } = context
    const { text, source } = await readStatement(context, statement, file, {
      verb: 'sql',
      example: 'tblctl sql --backend NAME "SHOW TABLES"',
    })
    const startedAt = io.now().getTime()
    const api = await context.api()
    const prepared = api.sql({
      statement: text,
      source,
      backend: backend ?? null,
      project: project ?? null,
      as: as ?? null,
      dryRun: global.dryRun,
    })
    // A report has known columns: a wrong name is told before the work is done.
    if (prepared.changes) {
      orderColumns(reportColumns, global.columns)
      orderColumns(reportColumns, global.sortBy === null ? null : [global.sortBy.column])
    }
    const answer = await prepared.run()
    return answer.kind === 'OperationReport'
      ? printReport(context, answer, io.now().getTime() - startedAt)
      : printSqlResult(context, answer)
  },
}
