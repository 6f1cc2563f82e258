import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { storeContext } from '../../../src/config/context.ts'
import { configJsonSchema } from '../../../src/config/json-schema.ts'
import { sourceText } from '../../../src/config/problems.ts'
import { trust } from '../../../src/config/trust.ts'
import { newConfigText, writeNewConfig } from '../../../src/config/write.ts'
import { parseYaml } from '../../../src/config/yaml.ts'
import type { DriverModule } from '../../../src/core/driver.ts'
import { driverKinds, loadDriver } from '../../../src/drivers/registry.ts'
import { load, loadError, shippedModules, temporaryFolder, viewOf } from './fixture.ts'

const answers = {
  jsonSchema: '/lib/tblctl.schema.json',
  catalog: null,
  backends: [
    { name: 'lake', driver: 'lake', config: { url: 'file:./lake', password: 'env:PW' } },
    { name: 'local', driver: 'memory', config: {} },
  ],
}

describe('a new config', () => {
  test('begins with the modeline and loads back', async () => {
    const text = newConfigText(answers)
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=/lib/tblctl.schema.json')
    const config = await load(text)
    expect([...config.backends.keys()]).toEqual(['lake', 'local'])
    expect(config.backends.get('lake')!.config).toMatchObject({ url: 'file:./lake' })
    expect((await load(newConfigText({ ...answers, backends: [] }))).backends.size).toBe(0)
  })

  test('keeps a catalog that was chosen', async () => {
    const cwd = await temporaryFolder()
    expect((await load(newConfigText({ ...answers, catalog: 'my: #.db' }), { cwd })).catalog).toBe(
      join(cwd, 'my: #.db'),
    )
  })

  test('whatever the values are', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('yes', '1', 'a: b', '- x', '# y', 'é\n\n  z\n', '~'),
    )
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), value), (config) => {
        const text = newConfigText({ ...answers, backends: [{ name: 'x', driver: 'memory', config }] })
        const { backends } = parseYaml(sourceText('x', text)).value as any
        expect(backends.x).toEqual({ driver: 'memory', ...config })
      }),
    )
  })

  test('no line can be put in through a name', async () => {
    expect(newConfigText({ ...answers, jsonSchema: 'a\nversion: 2' }).split('\n')[1]).toBe('')
    for (const name of ['A', '', 'x\ny', '__proto__'])
      expect(
        await viewOf(() => newConfigText({ ...answers, backends: [{ name, driver: 'memory', config: {} }] })),
      ).toMatchObject({
        kind: 'usage',
        code: 'bad-backend-name',
      })
    const [lake] = answers.backends
    const twice = await viewOf(() => newConfigText({ ...answers, backends: [lake!, lake!] }))
    expect(twice.message).toContain('is there twice')
  })

  test('never goes over a file that is there', async () => {
    const folder = await temporaryFolder()
    const file = join(folder, 'tblctl.yaml')
    await writeNewConfig(file, answers)
    const before = await readFile(file, 'utf8')
    expect(await viewOf(() => writeNewConfig(file, { ...answers, backends: [] }))).toMatchObject({
      kind: 'refused',
      code: 'file-exists',
    })
    expect(await readFile(file, 'utf8')).toBe(before)
    expect(await readdir(folder)).toEqual(['tblctl.yaml'])
  })

  test('a folder that cannot be made is said as it is', async () => {
    await expect(writeNewConfig('/dev/null/x/tblctl.yaml', answers)).rejects.toThrow(/ENOTDIR/)
  })
})

describe('the JSON Schema', () => {
  const schema = configJsonSchema(shippedModules) as any

  test('has a description for every key and knows no others', () => {
    const missing: string[] = []
    const walk = (node: any, path: string): void => {
      if (node === null || typeof node !== 'object') return
      for (const [key, property] of Object.entries<any>(node.properties ?? {})) {
        if (typeof property.description !== 'string') missing.push(`${path}.${key}`)
        walk(property, `${path}.${key}`)
      }
      if (node.properties !== undefined && node.title !== 'driver package' && node.additionalProperties !== false)
        missing.push(`${path} is open`)
      walk(node.additionalProperties, `${path}.*`)
      walk(node.items, `${path}[]`)
      for (const branch of node.anyOf ?? []) walk(branch, `${path}(${branch.title ?? ''})`)
    }
    walk(schema, '')
    expect(missing).toEqual([])
    expect(schema.$schema).toContain('draft-07')
  })

  test('has a part for each driver, with its required keys', () => {
    const [memory, lake, foreign] = schema.properties.backends.additionalProperties.anyOf
    expect(memory).toMatchObject({ title: 'memory', required: ['driver'], properties: { driver: { const: 'memory' } } })
    expect(lake.required).toEqual(['driver', 'url'])
    expect(lake.properties.password).toMatchObject({ type: 'string', pattern: '^(env|file|cmd):' })
    const package_ = new RegExp(foreign.properties.driver.pattern)
    expect(
      ['tblctl-driver-foo', '@acme/tblctl-driver-foo', 'memroy', 'node:fs'].map((name) => package_.test(name)),
    ).toEqual([true, true, false, false])
  })

  test('asks for nothing twice in a context', () => {
    const [, lake] = schema.properties.contexts.additionalProperties.properties.backends.additionalProperties.anyOf
    expect(lake.required).toBeUndefined()
    expect(lake.properties.projects.additionalProperties.required).toBeUndefined()
    expect(lake.additionalProperties).toBe(false)
  })

  test('needs zod', () => {
    const module: DriverModule = { ...shippedModules[0]!, config: { parse: () => ({}) } }
    expect(() => configJsonSchema([module])).toThrow(/no zod schema/)
  })

  test('in the repository is current, and closed for every driver', async () => {
    const modules: DriverModule[] = await Promise.all(driverKinds.map((kind) => loadDriver(kind)))
    const committed = await readFile(new URL('../../../tblctl.schema.json', import.meta.url), 'utf8')
    expect(JSON.parse(committed), 'run: node scripts/config-schema.ts').toEqual(configJsonSchema(modules))
    for (const { config } of modules)
      expect(z.toJSONSchema(config as z.ZodType, { io: 'input' }).additionalProperties).toBe(false)
  })

  test.each(driverKinds)("the example of driver %s loads from a new config's text", async (kind) => {
    const module = await loadDriver(kind)
    const text = newConfigText({ ...answers, backends: [{ name: 'x', driver: kind, config: module.example }] })
    const config = await load(text, { drivers: { kinds: driverKinds, load: loadDriver } })
    expect(config.backends.get('x')!.config).toEqual(module.config.parse(module.example))
  })
})

describe('a durable write', () => {
  async function stepsOf(action: () => Promise<unknown>): Promise<string[]> {
    const steps: string[] = []
    const listen = (message: unknown): void => void steps.push((message as { step: string }).step)
    subscribe('tblctl:durable', listen)
    try {
      await action()
    } catch {
      steps.push('failed')
    } finally {
      unsubscribe('tblctl:durable', listen)
    }
    return steps
  }

  test('is announced before and after, and a failed one only before', async () => {
    const folder = await temporaryFolder()
    const file = join(folder, 'tblctl.yaml')
    expect(await stepsOf(() => writeNewConfig(file, answers))).toEqual(['config.init:before', 'config.init:after'])
    expect(await stepsOf(() => writeNewConfig(file, answers))).toEqual(['config.init:before', 'failed'])
    const user = { env: {}, home: folder }
    const trusting = () => trust({ realPath: '/x', sha256: 'aa' }, user)
    expect(await stepsOf(trusting)).toEqual(['config.trust:before', 'config.trust:after'])
    expect(await stepsOf(() => storeContext(folder, 'p', ['p']))).toEqual([
      'config.context:before',
      'config.context:after',
    ])
    expect(await stepsOf(() => storeContext(folder, null, []))).toEqual([
      'config.context:before',
      'config.context:after',
    ])
  })
})

test('a config that the writer makes for a driver that asks more still says what is missing', async () => {
  const view = await loadError(newConfigText({ ...answers, backends: [{ name: 'a', driver: 'lake', config: {} }] }))
  expect(view.message).toContain('key "backends.a.url" is missing')
})
