/**
 * Every durable write (catalog transaction, object put, file moved into place) announces itself here, before and after.
 * Nobody listens in production, and then it costs nothing; the fault harness kills the process at the n-th announcement.
 * Steps read `where.what:before` and `where.what:after`.
 */
import { channel } from 'node:diagnostics_channel'

const durableChannel = channel('tblctl:durable')

export function durable(step: string): void {
  if (durableChannel.hasSubscribers) durableChannel.publish({ step })
}
