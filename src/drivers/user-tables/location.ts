/** Where segments lie: `<template with the user's folder>/<namespace>/<table>/`, the template being the backend's or the table's own. */
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fail } from '../../core/errors.ts'
import { printable, segmentsOf } from '../../core/ref.ts'
import { openLocalStore } from '../../storage/local.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import type { UserTable } from './table.ts'
import { folderOfUser } from './user.ts'

export const userVariable = '${user_id}'

/** A user's part of one table. */
export interface UserLocation {
  readonly store: ObjectStore
  /** Absolute path of the store's root. */
  readonly root: string
  /** Key of the folder, without a trailing slash. */
  readonly prefix: string
}

export interface Locations {
  /** The backend's own template. */
  readonly template: string
  of(table: Pick<UserTable, 'path' | 'location'>, user: string): UserLocation
  /** What lies below the backend's own template, whose ever it is: folders of tables, as far as somebody reads on. */
  all(): AsyncIterable<UserLocation>
  /** Opens a root that was written down. */
  open(root: string): ObjectStore
}

/** `directory`: what relative templates count from. */
export function openLocations(template: string, directory: string): Locations {
  const stores = new Map<string, ObjectStore>()
  const open = (root: string): ObjectStore => {
    const store = stores.get(root) ?? openLocalStore(root)
    stores.set(root, store)
    return store
  }
  return {
    template,
    open,
    of({ path, location }, user) {
      const { project, table } = segmentsOf(path)
      const { root, segments } = partsOf(location ?? template, directory)
      const own = segments.map((segment) => segment.replaceAll(userVariable, folderOfUser(user)))
      return { store: open(root), root, prefix: [...own, project, table].join('/') }
    },
    async *all() {
      const { root, segments } = partsOf(template, directory)
      const store = open(root)
      const [before, after] = segments[0]!.split(userVariable) as [string, string]
      for await (const name of store.folders('')) {
        if (!name.startsWith(before) || !name.endsWith(after)) continue
        const user = name.slice(before.length, name.length - after.length)
        const own = segments.map((segment) => segment.replaceAll(userVariable, user)).join('/')
        for await (const project of store.folders(own))
          for await (const table of store.folders(`${own}/${project}`))
            yield { store, root, prefix: `${own}/${project}/${table}` }
      }
    },
  }
}

/** The root is the last folder that all users share: a symbolic link below it cannot lead out of it. */
function partsOf(template: string, directory: string): { root: string; segments: readonly string[] } {
  const all = templatePath(template, directory).split('/')
  const first = all.findIndex((segment) => segment.includes(userVariable))
  return { root: all.slice(0, first).join('/') || '/', segments: all.slice(first) }
}

/** Throws the seed's message for a template that does not keep users apart. */
export function requireTemplate(template: string): void {
  if (!template.includes(userVariable))
    throw fail('usage', 'bad-location', `User table storage location must contain ${userVariable} template variable`, {
      where: printable(template),
      hint: `for instance file:./people/${userVariable}/tables`,
    })
  const unknown = unknownVariable(template)
  if (unknown !== undefined)
    throw fail('usage', 'bad-location', `${printable(unknown)} is no template variable`, {
      where: printable(template),
      hint: `${userVariable} is the only one`,
    })
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(template) && !/^file:/i.test(template))
    throw fail('usage', 'bad-location', `"${printable(template)}" is no place that this driver can reach`, {
      hint: `use a folder: file:./people/${userVariable}/tables`,
    })
}

const unknownVariable = (template: string): string | undefined =>
  template.match(/\$\{[^}]*\}?/g)?.find((variable) => variable !== userVariable)

function templatePath(template: string, directory: string): string {
  requireTemplate(template)
  const path = template.replace(/^file:/i, '')
  if (!path.startsWith('//')) return resolve(directory, path)
  return fileURLToPath(`file:${path.replaceAll(userVariable, '%24%7Buser_id%7D')}`)
}
