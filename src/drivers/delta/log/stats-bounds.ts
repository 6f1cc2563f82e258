/** The least and the greatest values that a file's statistics give (Delta PROTOCOL, "Per-file Statistics"), by the columns' physical names. */
import { statisticsOf } from './statistics.ts'

type Values = Readonly<Record<string, unknown>>
export interface StatisticsBounds {
  readonly minValues: Values
  readonly maxValues: Values
}

/** Without members where the log does not say. */
export const boundsOf = (stats: string | undefined): StatisticsBounds => statisticsOf(stats)
