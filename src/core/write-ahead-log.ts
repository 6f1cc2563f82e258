/** How every SQLite file of ours is put into write-ahead mode when several processes open it in the same instant. */

const askEveryMs = 5
const patienceMs = 10_000

/**
 * Puts a SQLite database into write-ahead mode, which its file then keeps.
 * SQLite does not wait here as it does for a transaction: of two that turn a new file, or close and open it, one is told at once
 * that the database is locked (sqlite.org/wal.html, "Sometimes Queries Return SQLITE_BUSY In WAL Mode").
 */
export function writeAheadLog(db: { exec(sql: string): void }): void {
  const until = Date.now() + patienceMs
  for (;;) {
    try {
      db.exec('pragma journal_mode = wal')
      return
    } catch (error) {
      const code = (error as { errcode?: number }).errcode ?? 0
      if ((code & 0xff) !== 5 || Date.now() > until) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, askEveryMs)
    }
  }
}
