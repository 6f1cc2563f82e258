/** ClickHouse in this process: a line of JSON text with SQL comes in, a line with its rows or its error goes out. argv[2]: the folder to read below. */
import { createInterface } from 'node:readline'

// It reads below the folder that it was loaded in.
process.chdir(process.argv[2]!)
const { query } = await import('chdb')

for await (const line of createInterface({ input: process.stdin })) {
  let answer: object
  try {
    const text = query(JSON.parse(line) as string, 'JSONCompactEachRow')
    answer = { rows: text.split('\n').filter((row) => row !== '') }
  } catch (error) {
    answer = { error: error instanceof Error ? error.message : String(error) }
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
