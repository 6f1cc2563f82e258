/** doctor's checks: the hot store is whole, the folder of a user that nobody has can be written, and what lies on the disk is this hot store's. */
import type { Check } from '../../core/driver.ts'
import { errorView } from '../../core/errors.ts'
import { printable } from '../../core/ref.ts'
import { isOwn, readManifestHead } from './origin.ts'
import type { Home } from './table.ts'

/** Folders of tables that are looked at: enough to notice a lost or old hot store, and never all of a million. */
const most = 200

export async function ping(home: Home, hot: string): Promise<readonly Check[]> {
  return [
    await check('hot-store', () => hotStore(home, hot), `check ${hot} and its folder`),
    await check('location', () => location(home), `check the permissions below ${home.locations.template}`),
    await check('manifests', () => manifests(home), 'bring the newer hot store back, or give each its own location'),
    await check(
      'schema-files',
      () => schemaFiles(home),
      'bring the lost hot store back, or name another folder as "conf" in tblctl.yaml',
    ),
  ]
}

async function check(name: string, work: () => Promise<string>, fix: string): Promise<Check> {
  try {
    return { check: name, ok: true, detail: await work() }
  } catch (error) {
    return { check: name, ok: false, detail: errorView(error).message, fix }
  }
}

async function hotStore({ store }: Home, hot: string): Promise<string> {
  store.ready()
  const found = String(store.get('pragma quick_check(1)')!.quick_check)
  if (found !== 'ok') throw new Error(`${hot} is damaged: ${found}`)
  const { n } = store.get('select count(*) as n from tables')!
  return `${hot} (${n} tables)`
}

async function location({ locations }: Home): Promise<string> {
  const { store, prefix } = locations.of({ path: 'probe/tblctl_probe/probe', location: null }, 'tblctl probe')
  const key = `${prefix}/probe-${process.pid}`
  await store.put(key, new Uint8Array([1]))
  await store.delete([key])
  return locations.template
}

async function manifests(home: Home): Promise<string> {
  let seen = 0
  for await (const { store, root, prefix } of home.locations.all()) {
    if (seen++ === most) break
    const head = await readManifestHead(store, prefix)
    if (head === undefined) continue
    const where = printable(`${root}/${prefix}`)
    if (!isOwn(home, head, head.ref)) throw new Error(`${where} belongs to ${printable(head.ref)} of another hot store`)
    const known = home.store.get(
      'select version from users join tables on tables.id = table_id where tables.path = ? and users.name = ?',
      head.ref.replace(':', '/'),
      head.user_id,
    )
    if (head.version > Number(known?.version ?? -1))
      throw new Error(`the hot store is older than the manifest in ${where}: it lacks segments`)
  }
  return `${Math.min(seen, most)} folders looked at`
}

async function schemaFiles({ schemaFiles: files }: Home): Promise<string> {
  const [ref] = await files.foreign(most)
  if (ref !== undefined)
    throw new Error(`${files.conf} has the files of ${printable(ref)}, which is of another hot store`)
  return files.conf
}
