/**
 * The real servers that tests talk to: the npm packages of test/servers are installed here when its lock file has changed since; of Debian's
 * packages it is only said which are missing. Runs before the tests; a test whose server is not there fails.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../test/servers/', import.meta.url))
const stamp = join(folder, 'node_modules', '.installed')
const wanted = createHash('sha256')
  .update(readFileSync(join(folder, 'package-lock.json')))
  .digest('hex')

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder, stdio: 'inherit' })
  writeFileSync(stamp, wanted)
}

const programs = { radosgw: 'radosgw', 'ceph-mon': 'ceph-mon', 'ceph-osd': 'ceph-osd' }
const missing = Object.entries(programs).filter(
  ([program]) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0,
)
if (missing.length > 0)
  process.stderr.write(
    `tests over S3 will fail: install an S3 server first:\n  apt-get install --no-install-recommends ${missing.map(([, name]) => name).join(' ')}\n`,
  )
