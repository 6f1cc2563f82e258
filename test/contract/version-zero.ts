/** Version 0 of a Delta table as other writers make it (Delta PROTOCOL, "Change Metadata" and "Protocol Evolution"). */

const column = (name: string, type: string, nullable: boolean) => ({ name, type, nullable, metadata: {} })

/** Columns `id` and `note`, no rows. */
export function versionZero(): Buffer {
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
  return Buffer.from(actions.map((action) => `${JSON.stringify(action)}\n`).join(''))
}
