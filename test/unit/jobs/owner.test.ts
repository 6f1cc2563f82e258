import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { isGone, thisOwner } from '../../../src/jobs/owner.ts'

/** `host/pid/start/nonce` */
const parts = (owner: string) => owner.split('/') as [string, string, string, string]
const pause = 'setInterval(() => {}, 1000)'

test('this process is alive, and every name of it is its own', () => {
  const owner = thisOwner()
  expect(parts(owner)).toHaveLength(4)
  expect(parts(owner)[1]).toBe(String(process.pid))
  expect(isGone(owner)).toBe(false)
  expect(thisOwner()).not.toBe(owner)
})

test('a process that was killed is gone, from the moment that it is dead', async () => {
  const child = spawn(process.execPath, ['-e', pause], { stdio: 'ignore' })
  await once(child, 'spawn')
  const [host] = parts(thisOwner())
  const owner = `${host}/${child.pid}/0/abc`
  expect(isGone(owner)).toBe(false)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(isGone(owner)).toBe(true)
})

test('a pid that another process has now: the one that is meant is gone', () => {
  const [host, pid, start] = parts(thisOwner())
  expect(isGone(`${host}/${pid}/${start}/other`)).toBe(false)
  expect(isGone(`${host}/${pid}/${Number(start) + 1}/other`)).toBe(true)
  expect(isGone(`${host}/${pid}/0/other`)).toBe(false) // its start was never known: it may be the one
})

test('a process of another user is alive', () => {
  const [host] = parts(thisOwner())
  expect(isGone(`${host}/1/0/init`)).toBe(false)
})

test.each([
  ['another host', (own: string) => `elsewhere/${parts(own)[1]}/1/x`],
  ['a namesake after a reboot', (own: string) => `${parts(own)[0].split('~')[0]}~00000000/999999/1/x`],
  ['no pid', (own: string) => `${parts(own)[0]}/x1/1/x`],
  ['an empty pid', (own: string) => `${parts(own)[0]}//1/x`],
  ['nothing that we wrote', () => 'me'],
  ['an empty text', () => ''],
])('%s: nothing is known', (_what, owner) => {
  expect(isGone(owner(thisOwner()))).toBe(false)
})
