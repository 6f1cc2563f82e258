/** Prints what ClickHouse's Delta reader (delta-kernel-rs) finds in a table: `FOLDER TABLE SQL`, the SQL over `t`. */
const [, , folder, table, sql] = process.argv as [string, string, string, string, string]
// chdb reads below the directory that it was loaded in.
process.chdir(folder)
const { query } = await import('chdb')
const source = `deltaLakeLocal('${folder}/${table}/')`
process.stdout.write(query(sql.replace('FROM t', `FROM (SELECT * FROM ${source})`), 'JSONCompactEachRow'))
