/** The programmatic API: what a program that administers tables imports. */
export { type OpenOptions, openTblctl, type Tblctl } from './api/open.ts'
export type { OperationReport } from './api/operate.ts'
export type { Selection } from './api/select.ts'
export type { DriverModule } from './core/driver.ts'
export { TblctlError } from './core/errors.ts'
