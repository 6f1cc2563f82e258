/** A folder with a backend `shop` over the given nodes, and the verbs as these tests call them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Tblctl } from '../../src/api/open.ts'
import type { OperationReport } from '../../src/api/operate.ts'
import type { ColumnDefinition, TableDefinition } from '../../src/core/table-definition.ts'
import { type OpenIn, openIn } from '../support/open.ts'

export interface ShopWorld extends Disposable {
  readonly folder: string
  open(more?: OpenIn): Promise<Tblctl>
  configure(nodes: string): void
  write(name: string, text: string): string
}

/** `nodes`: in YAML's flow form. */
export function makeWorld(nodes: string): ShopWorld {
  const folder = mkdtempSync(join(tmpdir(), 'tblctl-shop-'))
  const world: ShopWorld = {
    folder,
    open: (more = {}) => openIn(folder, more),
    configure: (text) =>
      writeFileSync(
        join(folder, 'tblctl.yaml'),
        `version: 1\nbackends:\n  shop: { driver: sharded-sql, nodes: { ${text} } }\n`,
      ),
    write: (name, text) => {
      writeFileSync(join(folder, name), text)
      return name
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
  world.configure(nodes)
  return world
}

/** `id INTEGER not null` → a column. */
export function column(text: string): ColumnDefinition {
  const [name, ...rest] = text.split(' ') as [string, ...string[]]
  const type = rest.join(' ').replace(/ not null$/, '')
  return { name, type, nullable: !text.endsWith(' not null'), default: null }
}

export const table = (columns: readonly string[], primaryKey: readonly string[] = ['id']): TableDefinition => ({
  kind: 'table',
  columns: columns.map(column),
  primaryKey,
  unique: [],
})

export const create = (
  tblctl: Tblctl,
  ref: string,
  definition: TableDefinition,
  settings: object = { shards: 4 },
): Promise<OperationReport> =>
  tblctl.provision('create', [ref], { schema: null, definition, location: null, labels: {}, settings }, false)

export const drop = (tblctl: Tblctl, ref: string): Promise<OperationReport> =>
  tblctl.operate('drop', { refs: [ref] }, {})
