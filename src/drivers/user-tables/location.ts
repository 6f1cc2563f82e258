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
      // Below the last folder that all users share: a symbolic link cannot lead out of it.
      const segments = templatePath(location ?? template, directory).split('/')
      const first = segments.findIndex((segment) => segment.includes(userVariable))
      const root = segments.slice(0, first).join('/') || '/'
      const own = segments.slice(first).map((segment) => segment.replaceAll(userVariable, folderOfUser(user)))
      return { store: open(root), root, prefix: [...own, project, table].join('/') }
    },
  }
}

/** Throws the seed's message for a template that does not keep users apart. */
export function requireTemplate(template: string): void {
  if (!template.includes(userVariable))
    throw fail('usage', 'bad-location', `User table storage location must contain ${userVariable} template variable`, {
      where: printable(template),
      hint: `for instance file:./people/${userVariable}/tables`,
    })
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(template) && !/^file:/i.test(template))
    throw fail('usage', 'bad-location', `"${printable(template)}" is no place that this driver can reach`, {
      hint: `use a folder: file:./people/${userVariable}/tables`,
    })
}

function templatePath(template: string, directory: string): string {
  requireTemplate(template)
  const path = template.replace(/^file:/i, '')
  if (!path.startsWith('//')) return resolve(directory, path)
  return fileURLToPath(`file:${path.replaceAll(userVariable, '%24%7Buser_id%7D')}`)
}
