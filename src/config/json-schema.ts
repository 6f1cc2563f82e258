/** tblctl.schema.json: the shape of tblctl.yaml for editors, with the part of every driver that ships. */
import { z } from 'zod'
import type { DriverModule } from '../core/driver.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { configShape, driverPackage } from './schema.ts'

type Node = Record<string, any>

/** Draft-07, because the YAML language server reads no later one. Every driver's `config` must be a zod schema. */
export function configJsonSchema(modules: readonly DriverModule[]): JsonObject {
  const schema: Node = jsonSchemaOf(configShape)
  const parts = modules.map(driverPart)
  const context: Node = schema.properties.contexts.additionalProperties
  schema.properties.backends.additionalProperties = { anyOf: [...parts, foreignPart()] }
  context.properties.backends.additionalProperties = { anyOf: [...parts.map(asOverlay), foreignPart()] }
  const { $schema, ...rest } = schema
  return { $schema, $id: 'tblctl.schema.json', title: 'tblctl.yaml', ...rest }
}

function jsonSchemaOf(type: z.ZodType): Node {
  return z.toJSONSchema(type, { target: 'draft-7', io: 'input' }) as Node
}

function driverPart(module: DriverModule): Node {
  const { config } = module
  if (!(config instanceof z.ZodType)) throw new TypeError(`the config of driver ${module.kind} is no zod schema`)
  const { $schema: _, properties = {}, required = [], ...rest } = jsonSchemaOf(config)
  const driver = { const: module.kind, description: 'The kind of backend' }
  return { title: module.kind, ...rest, properties: { driver, ...properties }, required: ['driver', ...required] }
}

/** A driver from elsewhere: nothing is known of its keys. */
function foreignPart(): Node {
  const driver = {
    type: 'string',
    pattern: driverPackage.source,
    description: 'A driver package: tblctl-driver-NAME',
  }
  return { title: 'driver package', type: 'object', properties: { driver }, required: ['driver'] }
}

/** In a context any key may be left to the backend of the same name. */
function asOverlay(node: Json): Json {
  if (Array.isArray(node)) return node.map(asOverlay)
  if (node === null || typeof node !== 'object') return node
  const members = Object.entries(node).filter(([key, value]) => !(key === 'required' && Array.isArray(value)))
  return Object.fromEntries(members.map(([key, value]) => [key, value === undefined ? value : asOverlay(value)]))
}
