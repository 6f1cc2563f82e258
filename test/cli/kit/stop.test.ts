import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createStop } from '../../../src/cli/stop.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function world(careful: boolean) {
  const events: string[] = []
  const stop = createStop({
    careful,
    announce: (why) => void events.push(`say ${why}`),
    exit: (code) => void events.push(`exit ${code}`),
  })
  stop.onStop(() => void events.push('stop'))
  stop.hard.addEventListener('abort', () => void events.push('abort'))
  return { stop, events }
}

describe('a signal to what changes something', () => {
  it('asks for a safe point first, and ends at once the second time', () => {
    const { stop, events } = world(true)
    expect(stop.why).toBeNull()
    stop.signal('SIGINT')
    vi.advanceTimersByTime(3_600_000)
    expect(events).toEqual(['say interrupt', 'stop'])
    expect(stop.why).toBe('interrupt')
    stop.signal('SIGTERM')
    expect(events.at(-1)).toBe('exit 143')
  })
  it.each([['SIGTERM'], ['SIGHUP']] as const)('%s terminates', (signal) => {
    const { stop, events } = world(true)
    stop.signal(signal)
    stop.signal('SIGINT')
    expect(events).toEqual(['say terminate', 'stop', 'exit 130'])
  })
})

describe('a signal to what only reads', () => {
  it('aborts, and ends the process when that does not help', () => {
    const { stop, events } = world(false)
    stop.signal('SIGINT')
    expect(events).toEqual(['say interrupt', 'stop', 'abort'])
    vi.advanceTimersByTime(5000)
    expect(events.at(-1)).toBe('exit 130')
  })
})

describe('--timeout', () => {
  it('goes on to an abort and an end', () => {
    const { stop, events } = world(true)
    stop.timeout(1000)
    vi.advanceTimersByTime(999)
    expect(events).toEqual([])
    vi.advanceTimersByTime(1)
    expect(events).toEqual(['say timeout', 'stop'])
    vi.advanceTimersByTime(5000)
    expect(events.at(-1)).toBe('abort')
    vi.advanceTimersByTime(5000)
    expect(events.at(-1)).toBe('exit 124')
  })
  it('aborts at once what only reads', () => {
    const { stop, events } = world(false)
    stop.timeout(1000)
    vi.advanceTimersByTime(1000)
    expect(events).toEqual(['say timeout', 'stop', 'abort'])
  })
  it('leaves it to a signal that came before, and a signal after it is a first one', () => {
    const before = world(true)
    before.stop.timeout(1000)
    before.stop.signal('SIGINT')
    vi.advanceTimersByTime(60_000)
    expect(before.events).toEqual(['say interrupt', 'stop'])
    const after = world(true)
    after.stop.timeout(1000)
    vi.advanceTimersByTime(1000)
    after.stop.signal('SIGINT')
    expect(after.stop.why).toBe('interrupt')
  })
  it('ends with the run, and may be longer than a timer can count', () => {
    const { stop, events } = world(false)
    stop.timeout(1000)
    stop.timeout(2 ** 32)
    stop[Symbol.dispose]()
    vi.advanceTimersByTime(10_000)
    expect(events).toEqual([])
  })
})

it('forgets a listener', () => {
  const { stop, events } = world(true)
  const forget = stop.onStop(() => void events.push('other'))
  forget()
  stop.signal('SIGINT')
  expect(events).not.toContain('other')
})
