import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { driverContract } from './driver.ts'

const column = (name: string, type: string, nullable: boolean) => ({ name, type, nullable, metadata: {} })

await driverContract({
  kind: 'delta',
  backend: '{ driver: delta, url: "file:./lake" }',
  survives: true,
  cancelledCreate: 'empty',
  // Version 0 as other writers make it: Delta PROTOCOL, "Change Metadata" and "Protocol Evolution".
  makeOutside: async (directory, project, table) => {
    const log = join(directory, 'lake/projects', project, table, '_delta_log')
    mkdirSync(log, { recursive: true })
    const fields = [column('id', 'long', false), column('note', 'string', true)]
    const metaData = {
      id: '5fba94ed-9794-4965-ba6e-6ee3c0d22af9',
      format: { provider: 'parquet', options: {} },
      schemaString: JSON.stringify({ type: 'struct', fields }),
      partitionColumns: [],
      configuration: {},
      createdTime: 1_714_557_600_000,
    }
    const actions = [{ protocol: { minReaderVersion: 1, minWriterVersion: 2 } }, { metaData }]
    writeFileSync(join(log, '00000000000000000000.json'), `${actions.map((a) => JSON.stringify(a)).join('\n')}\n`)
  },
})
