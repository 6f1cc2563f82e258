/** doctor's checks: the hot store is whole and can be written, and so can the folder of a user that nobody has. */
import type { Check } from '../../core/driver.ts'
import { errorView } from '../../core/errors.ts'
import type { Home } from './table.ts'

export async function ping(home: Home, hot: string): Promise<readonly Check[]> {
  return [
    await check('hot-store', () => hotStore(home, hot), `check ${hot} and its folder`),
    await check('location', () => location(home), `check the permissions below ${home.locations.template}`),
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
