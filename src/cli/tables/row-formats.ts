/** Formats of rows in files, by the words of `--format`. */
import type { RowFormat } from '../../core/batch.ts'

export const rowFormats: readonly RowFormat[] = ['ndjson', 'csv', 'parquet']
