/** What reports must say. */
import { expect } from 'vitest'
import type { OperationReport } from '../../../src/api/operate.ts'
import type { ErrorView } from '../../../src/core/errors.ts'
import { errorView } from '../../../src/core/errors.ts'
import type { ReportItem } from '../../../src/core/host.ts'

/** The only item, which must have this status. */
export function only(report: OperationReport, status: ReportItem['status']): ReportItem {
  expect(report.items, JSON.stringify(report.items)).toHaveLength(1)
  const item = report.items[0]!
  expect(item.status, JSON.stringify(item)).toBe(status)
  expect(report.summary[status]).toBe(1)
  return item
}

/** The error of the only item, which failed. */
export function failure(report: OperationReport): ErrorView {
  return only(report, 'failed').error!
}
/** The error that a call ends with, as a user is told it. */
export async function thrown(work: Promise<unknown>): Promise<ErrorView> {
  try {
    await work
  } catch (error) {
    return errorView(error)
  }
  throw new Error('it did not throw')
}
