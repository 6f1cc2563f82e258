/** create: a user table from a statement or a table schema, with the columns that are injected. Again with the same changes nothing. */
import type { CreateOptions } from '../../core/driver.ts'
import { fail } from '../../core/errors.ts'
import { canonicalJson, type JsonObject } from '../../core/json.ts'
import type { Operation, Plan } from '../../core/operation.ts'
import { refOfPath } from '../../core/ref.ts'
import { refuseSettings, requireSchemaName } from '../../verbs/create.ts'
import { createOptions } from '../../verbs/options.ts'
import { fromDefinition, fromSchema, requireNames, specOptions, type UserTableDefinition } from './definition.ts'
import { parseFlushPolicy, policyText } from './flush-policy.ts'
import { sweep } from './garbage.ts'
import { requireTemplate } from './location.ts'
import type { HotStore } from './store.ts'
import { findTable, type Home, tableLost, type UserTable } from './table.ts'

interface CreatePlan extends Plan {
  readonly definition: UserTableDefinition
}

export function create(home: Home): Operation<CreateOptions, CreatePlan, { created: boolean; columns: number }> {
  const { store, schemaFiles } = home
  return {
    options: createOptions,
    version: 1,
    hold: 'run',
    resume: 'continue',
    key: ({ schema, definition, location, settings }) =>
      canonicalJson({ schema, definition, location, settings } as unknown as JsonObject),
    async plan(subject, options) {
      const ref = refOfPath(subject.path)
      requireNames(subject.path)
      const definition = await definitionOf(home, options)
      const there = findTable(store, subject.path)
      if (there && !sameTable(there, definition))
        throw fail('refused', 'table-exists', `${ref} exists with another definition`, {
          hint: `tblctl describe ${ref}`,
        })
      if (!there && subject.spec) throw tableLost(subject.path)
      if (!there) await schemaFiles.requireOwn(subject.path)
      const policy = definition.flushPolicy ? `, flushed by ${policyText(definition.flushPolicy)}` : ''
      return {
        changes: there && subject.spec ? 0 : 1,
        risk: 'routine',
        summary: [
          there && subject.spec
            ? `${ref} exists with this definition`
            : there
              ? `register ${ref}, which exists with this definition`
              : `create user table ${ref} (${definition.fields.length} columns${policy})`,
        ],
        basis: {},
        leases: [{ path: subject.path, mode: 'exclusive' }],
        definition,
      }
    },
    async execute({ definition }, ctx) {
      const { path } = ctx.subject
      const there = findTable(store, path)
      if (there && !sameTable(there, definition))
        return { is: 'stale', why: `${refOfPath(path)} was made with another definition meanwhile` }
      if (there && ctx.subject.spec) return { is: 'unchanged' } // made and registered since it was planned
      if (!there) await sweep(home, { path }) // what a drop of this name was killed before
      const table = there ?? insert(store, path, definition, ctx.job.id, ctx.now())
      await schemaFiles.write(table)
      await ctx.commit({ phase: 'created', state: {} })
      return {
        is: 'changed',
        result: { created: table.job === ctx.job.id, columns: definition.fields.length },
        tables: [
          {
            put: path,
            spec: {
              schema: definition.schema?.name ?? null,
              location: definition.location,
              labels: ctx.options.labels,
              options: specOptions(definition),
            },
            state: 'active',
          },
        ],
      }
    },
    async undo(_plan, ctx) {
      const { path } = ctx.subject
      if (findTable(store, path)?.job !== ctx.job.id) return
      await schemaFiles.remove(path)
      store.write('create-undo', () => store.run('delete from tables where path = ? and job = ?', path, ctx.job.id))
    },
  }
}

async function definitionOf({ environment }: Home, options: CreateOptions): Promise<UserTableDefinition> {
  refuseSettings(options, 'user-tables', ['flushPolicy'])
  if (options.location !== null) requireTemplate(options.location)
  const settings = { flushPolicy: parseFlushPolicy(options.settings.flushPolicy), location: options.location }
  if (options.definition !== null) return fromDefinition(options.definition, settings)
  return fromSchema(await environment.schema(requireSchemaName(options, 'user-tables')), settings)
}

function insert(store: HotStore, path: string, definition: UserTableDefinition, job: string, now: Date): UserTable {
  store.write('create', () =>
    store.run(
      'insert into tables (path, definition, job, created_at) values (?, ?, ?, ?)',
      path,
      JSON.stringify(definition),
      job,
      now.toISOString(),
    ),
  )
  return findTable(store, path)!
}

function sameTable(table: UserTable, definition: UserTableDefinition): boolean {
  const { id: _id, path: _path, job: _job, createdAt: _createdAt, ...there } = table
  return canonicalJson(there as unknown as JsonObject) === canonicalJson(definition as unknown as JsonObject)
}
