/** Writes tblctl.schema.json, or with --check fails when it is not current. Run it after a change of any driver's config. */
import { readFile, writeFile } from 'node:fs/promises'
import { configJsonSchema } from '../src/config/json-schema.ts'
import { driverKinds, loadDriver } from '../src/drivers/registry.ts'

const file = new URL('../tblctl.schema.json', import.meta.url)
const modules = await Promise.all(driverKinds.map((kind) => loadDriver(kind)))
const text = `${JSON.stringify(configJsonSchema(modules), null, 2)}\n`
if (!process.argv.includes('--check')) await writeFile(file, text)
else if ((await readFile(file, 'utf8')) !== text) {
  process.stderr.write('tblctl.schema.json is out of date: run node scripts/config-schema.ts\n')
  process.exitCode = 1
}
