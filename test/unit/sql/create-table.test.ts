import { describe, expect, it } from 'vitest'
import { complaint, create } from './support.ts'

const column = (name: string, type: string, nullable = true, value: string | null = null) => ({
  name,
  type,
  nullable,
  default: value,
})

describe('CREATE TABLE', () => {
  it('reads the statement of the sharded engine', () => {
    expect(
      create(`CREATE TABLE users (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  email TEXT UNIQUE
) /* SHARDS=4 */;`),
    ).toEqual({
      is: 'create-table',
      name: { project: null, table: 'users' },
      ifNotExists: false,
      definition: {
        kind: 'table',
        columns: [column('id', 'INTEGER', false), column('name', 'TEXT', false), column('email', 'TEXT')],
        primaryKey: ['id'],
        unique: [['email']],
      },
      location: null,
      settings: { shards: 4 },
    })
  })

  it('reads the statement of user tables', () => {
    expect(
      create(
        "create user table if not exists chat.messages (id bigint, body text) location '/data/${user_id}/t' flush policy rows 1000 interval '5 minutes'",
      ),
    ).toEqual({
      is: 'create-table',
      name: { project: 'chat', table: 'messages' },
      ifNotExists: true,
      definition: {
        kind: 'user',
        columns: [column('id', 'BIGINT'), column('body', 'TEXT')],
        primaryKey: [],
        unique: [],
      },
      location: '/data/${user_id}/t',
      settings: { flushPolicy: "ROWS 1000 INTERVAL '5 minutes'" },
    })
  })

  it.each([
    ['a VARCHAR ( 20 )', 'VARCHAR(20)'],
    ['a double   precision', 'DOUBLE PRECISION'],
    ['a NUMERIC(10, 2)', 'NUMERIC(10,2)'],
    ['a timestamp(6) with time zone', 'TIMESTAMP(6) WITH TIME ZONE'],
    ['"a" character varying(3)', 'CHARACTER VARYING(3)'],
  ])('reads the type of %s', (text, type) => {
    expect(create(`CREATE TABLE t (${text})`).definition.columns[0]).toMatchObject({ name: 'a', type })
  })

  it.each([
    ['1', '1'],
    ['-1.5e3', '-1.5e3'],
    ["'it''s'", "'it''s'"],
    ['CURRENT_TIMESTAMP', 'CURRENT_TIMESTAMP'],
    ['SNOWFLAKE_ID()', 'SNOWFLAKE_ID()'],
    ["(coalesce(a, (1)) || ')')", "(coalesce(a, (1)) || ')')"],
    ["x'00ff'", "x'00ff'"],
    ["date '2020-01-01'", "date '2020-01-01'"],
    ['null', 'null'],
  ])('keeps DEFAULT %s as written', (text, kept) => {
    const [first] = create(`CREATE TABLE t (a TEXT DEFAULT ${text} NOT NULL, b INT)`).definition.columns
    expect(first).toEqual(column('a', 'TEXT', false, kept))
  })

  it('reads every way to quote a name', () => {
    const { name, definition } = create(
      'CREATE TABLE `p.q`."t-1" ("a ""b""" INT, `c``d` INT, [e f] INT, "primary" INT)',
    )
    expect(name).toEqual({ project: 'p.q', table: 't-1' })
    expect(definition.columns.map((one) => one.name)).toEqual(['a "b"', 'c`d', 'e f', 'primary'])
  })

  it('reads constraints anywhere, and spells columns as they were defined', () => {
    expect(
      create(
        'CREATE TABLE t (CONSTRAINT pk PRIMARY KEY (REGION, id ASC), region TEXT, Id BIGINT, code TEXT CONSTRAINT u UNIQUE, UNIQUE (id, region))',
      ).definition,
    ).toEqual({
      kind: 'table',
      columns: [column('region', 'TEXT', false), column('Id', 'BIGINT', false), column('code', 'TEXT')],
      primaryKey: ['region', 'Id'],
      unique: [['Id', 'region'], ['code']],
    })
  })

  it('reads options in WITH', () => {
    const { definition, settings } = create(
      "CREATE TABLE a.t (id BIGINT) WITH (TYPE = 'user', FLUSH_POLICY='rows:1000, interval:300')",
    )
    expect(definition.kind).toBe('user')
    expect(settings).toEqual({ flushPolicy: "ROWS 1000 INTERVAL '300 seconds'" })
    expect(create("CREATE TABLE t (a INT) WITH (FLUSH_POLICY='interval:60')").settings).toEqual({
      flushPolicy: "INTERVAL '60 seconds'",
    })
  })

  it.each([
    ['CREATE TABLE t (a INT', 'usage sql:1:16: this "(" is not closed'],
    ['CREATE TABLE t a INT)', 'usage sql:1:21: this ")" closes nothing'],
    ['CREATE TABLE t', 'usage sql:1:15: the statement ends where "(" with the columns is expected'],
    ['CREATE TABLE t ()', 'usage sql:1:17: ")" stands where a column is expected'],
    ['CREATE TABLE t (PRIMARY KEY (a))', 'usage sql:1:16: the table has no columns'],
    ['CREATE TABLE t (a)', 'usage sql:1:18: ")" stands where the type of the column is expected'],
    ['CREATE TABLE t (a INT,\n  a TEXT)', 'usage sql:2:3: there are two columns called a'],
    ['CREATE TABLE t (a INT 5)', 'usage sql:1:23: "5" stands where NOT NULL, DEFAULT'],
    ['CREATE TABLE t (a TEXT[])', 'usage sql:1:23: "[]" stands where NOT NULL, DEFAULT'],
    ['CREATE TABLE t (a VARCHAR(x))', 'usage sql:1:27: "x" stands where a number is expected'],
    ['CREATE TABLE t (a INT, PRIMARY KEY (b))', 'usage sql:1:24: PRIMARY KEY names "b", which is no column'],
    ['CREATE TABLE t (a INT, UNIQUE (a, A))', 'usage sql:1:24: UNIQUE names a column twice'],
    ['CREATE TABLE t (a INT PRIMARY KEY, b INT PRIMARY KEY)', 'usage sql:1:36: the table has two primary keys'],
    ['CREATE TABLE t (a INT NULL NOT NULL)', 'usage sql:1:28: a is said to be NULL and NOT NULL'],
    ['CREATE TABLE t (a INT NULL PRIMARY KEY)', 'usage sql:1:17: a is part of the primary key and cannot be NULL'],
    ['CREATE TABLE t (a INT DEFAULT 1 DEFAULT 2)', 'usage sql:1:33: a has two defaults'],
    ['CREATE TABLE t (a INT DEFAULT ,)', 'usage sql:1:31: "," stands where a default value is expected'],
    ['CREATE TABLE t (a INT DEFAULT - b)', 'usage sql:1:33: "b" stands where a number is expected'],
    ['CREATE TABLE t (a INT DEFAULT 1 + 1)', 'usage sql:1:33: "+" stands where'],
    ['CREATE TABLE "a/b" (a INT)', 'usage sql:1:14: "a/b" is no name for a table'],
    ['CREATE TABLE "" (a INT)', 'usage sql:1:14: the name of a table is empty'],
    ['CREATE TABLE a.b.c (a INT)', 'usage sql:1:17: the name of a table has one part or two'],
    ['CREATE TABLE t (a INT) LOCATION', 'usage sql:1:32: the statement ends where the location in quotes'],
    ["CREATE TABLE t (a INT) LOCATION ' '", 'usage sql:1:24: the location is empty'],
    ["CREATE TABLE t (a INT) LOCATION 'a' LOCATION 'b'", 'usage sql:1:37: the location stands twice'],
    ['CREATE TABLE t (a INT) FLUSH POLICY', 'usage sql:1:36: the statement ends where ROWS or INTERVAL'],
    ['CREATE TABLE t (a INT) FLUSH POLICY ROWS many', 'usage sql:1:42: "many" stands where a number of rows'],
    ['CREATE TABLE t (a INT) FLUSH POLICY ROWS 1.5', 'usage sql:1:37: ROWS takes a whole number'],
    ['CREATE TABLE t (a INT) FLUSH POLICY ROWS 1 ROWS 2', 'usage sql:1:44: ROWS stands twice'],
    ["CREATE TABLE t (a INT) FLUSH POLICY INTERVAL '1' INTERVAL '2'", 'usage sql:1:50: INTERVAL stands twice'],
    [
      "CREATE TABLE t (a INT) WITH (FLUSH_POLICY='rows')",
      "usage sql:1:30: Invalid FLUSH_POLICY format 'rows'. Expected 'key:value'",
    ],
    ["CREATE TABLE t (a INT) WITH (FLUSH_POLICY='bytes:1')", "usage sql:1:30: Unknown FLUSH_POLICY key 'bytes'"],
    [
      "CREATE TABLE t (a INT) WITH (FLUSH_POLICY='rows:0')",
      "usage sql:1:30: FLUSH_POLICY must specify 'rows' or 'interval' > 0",
    ],
    ["CREATE TABLE t (a INT) WITH (FLUSH_POLICY='rows:1,rows:2')", "usage sql:1:30: FLUSH_POLICY names 'rows' twice"],
    [
      "CREATE TABLE t (a INT) FLUSH POLICY ROWS 1 WITH (FLUSH_POLICY='rows:1')",
      'usage sql:1:50: the flush policy stands twice',
    ],
    ["CREATE TABLE t (a INT) WITH (TYPO='x')", "usage sql:1:30: Unknown table option 'TYPO'"],
    [
      "CREATE TABLE t (a INT) WITH (TYPE='x')",
      "usage sql:1:30: Invalid TYPE option 'x'. Supported: USER, SHARED, STREAM",
    ],
    [
      "CREATE USER TABLE t (a INT) WITH (TYPE='STREAM')",
      'usage sql:1:35: Conflicting table type definitions: USER and STREAM',
    ],
  ])('complains about %s', (text, told) => expect(complaint(text)).toContain(told))

  it.each([
    ['CREATE STREAM TABLE t (a INT)', 'sql:1:8: CREATE STREAM TABLE'],
    ['CREATE TEMP TABLE t (a INT)', 'sql:1:8: CREATE TEMP TABLE'],
    ['CREATE INDEX i ON t (a)', 'sql:1:8: CREATE INDEX'],
    ['CREATE UNIQUE INDEX i ON t (a)', 'sql:1:8: CREATE UNIQUE INDEX'],
    ['CREATE TABLE t AS SELECT 1', 'sql:1:16: CREATE TABLE … AS SELECT'],
    ['CREATE TABLE t (a INT CHECK (a > 0))', 'sql:1:23: CHECK'],
    ['CREATE TABLE t (a INT, CHECK (a > 0))', 'sql:1:24: CHECK'],
    ['CREATE TABLE t (a INT, FOREIGN KEY (a) REFERENCES b (c))', 'sql:1:24: FOREIGN KEY'],
    ['CREATE TABLE t (a INT, EXCLUDE (a WITH =))', 'sql:1:24: EXCLUDE'],
    ['CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)', 'sql:1:39: AUTOINCREMENT'],
    ['CREATE TABLE t (a INT GENERATED ALWAYS AS (1))', 'sql:1:23: a generated column'],
    ['CREATE TABLE t (a TEXT COLLATE NOCASE)', 'sql:1:24: COLLATE'],
    ['CREATE TABLE t (a INT, PRIMARY KEY (a DESC))', 'sql:1:39: a key in descending order'],
    ['CREATE TABLE t (a INT UNIQUE ON CONFLICT IGNORE)', 'sql:1:30: ON CONFLICT of a constraint'],
    ['CREATE TABLE t (a INT) STRICT', 'sql:1:24: the table option STRICT'],
    ["CREATE USER TABLE t (a INT) LOCATION REFERENCE 'x'", 'sql:1:29: LOCATION REFERENCE'],
    ["CREATE TABLE t (a INT) WITH (TYPE='SHARED')", 'sql:1:30: a SHARED table'],
    ['CREATE TABLE t (a INT) WITH (TTL_SECONDS=10)', 'sql:1:30: the table option TTL_SECONDS'],
  ])('refuses %s by name', (text, told) => {
    expect(complaint(text)).toBe(`unsupported ${told} is not supported in this version`)
  })
})

describe('hints', () => {
  it('stand in block comments, wherever', () => {
    expect(create('/* shards = 8 */ CREATE TABLE t (a INT)').settings).toEqual({ shards: 8 })
    expect(create('CREATE TABLE t (a INT /* four: SHARDS=4, SHARD_KEY=a */)').settings).toEqual({
      shards: 4,
      shardKey: 'a',
    })
    expect(create('CREATE TABLE t (a INT) /* SHARDS=4 */ /* again: SHARDS=4 */').settings).toEqual({ shards: 4 })
  })
  it('are text in strings, names and line comments', () => {
    expect(
      create(`CREATE TABLE t ("/* SHARDS=2 */" TEXT DEFAULT '/* SHARDS=3 */') -- /* SHARDS=5 */`).settings,
    ).toEqual({})
    expect(create('CREATE TABLE t (a INT) /* NUMSHARDS=4 */').settings).toEqual({})
  })
  it.each(['0', '257', '-1', '4.5', 'four', ''])('refuse SHARDS=%s', (value) =>
    expect(complaint(`CREATE TABLE t (a INT)\n/* SHARDS=${value} */`)).toBe(
      `usage sql:2:1: Invalid SHARDS value: ${value}. Must be between 1 and 256.`,
    ),
  )
  it('refuse two values and an empty key', () => {
    expect(complaint('CREATE TABLE t (a INT) /* SHARDS=4 */ /* SHARDS=5 */')).toContain('stands twice')
    expect(complaint('CREATE TABLE t (a INT) /* SHARD_KEY= */')).toContain('names no column')
  })
})
