/** The catalog's tables, numbered and forward only. A number never changes its meaning once it has shipped. */
import { existsSync } from 'node:fs'
import { fail } from '../../core/errors.ts'
import type { Database } from './database.ts'

const migrations: readonly string[] = [
  `
  create table counter (name text primary key, n integer not null) without rowid;
  insert into counter values ('fence', 0), ('revision', 0);

  create table tables (path text primary key, spec text not null, state text not null, created_at integer not null, updated_at integer not null) without rowid;

  create table jobs (
    id text primary key, run text not null, verb text not null, subject text not null, path text not null, key text not null,
    version integer not null, hold text not null, state text not null, phase text, options text not null, plan text not null, data text,
    progress text, result text, error text, waits_for text not null default '[]', wake_at integer, attempts integer not null,
    actor text not null, owner text, fence integer, created_at integer not null, finished_at integer);
  create index jobs_open on jobs (path) where state in ('queued', 'open', 'waiting', 'failed');
  create index jobs_by_path on jobs (path, verb, finished_at);
  create index jobs_by_time on jobs (created_at);
  create index jobs_due on jobs (state, wake_at) where state in ('queued', 'waiting');

  create table leases (path text not null, mode text not null, fence integer not null, owner text not null, job text not null, verb text not null,
    expires integer not null, primary key (path, fence)) without rowid;
  create index leases_by_owner on leases (owner);
  create index leases_by_job on leases (job);
  create table claims (path text not null, mode text not null, job text not null references jobs (id) on delete cascade, primary key (path, job)) without rowid;

  create table controls (path text not null, name text not null, value text not null, rev integer not null, by_owner text not null, answer text,
    primary key (path, name)) without rowid;
  create table records (namespace text not null, key text not null, value text not null, rev integer not null, primary key (namespace, key)) without rowid;
  create table audit (id integer primary key, at integer not null, run text not null, actor text not null, verb text not null, path text not null,
    job text, outcome text not null, detail text);
  create index audit_by_path on audit (path, id);
  create table job_log (id integer primary key, job text not null references jobs (id) on delete cascade, at integer not null, level text not null,
    message text not null, fields text);
  create index job_log_by_job on job_log (job, id);
  `,
]

const applicationId = 0x7462_6c63 // "tblc"

/** Brings the catalog up to this program, one process at a time, with a copy beside it before anything that exists is changed. */
export function migrate(db: Database, supported: number = migrations.length): void {
  const current = Number(db.get('pragma user_version')!.user_version)
  if (current > supported)
    throw fail(
      'config',
      'newer-catalog',
      `the catalog was written by a newer tblctl (format ${current}, this one knows ${supported})`,
      {
        where: db.file,
        hint: 'install the newer tblctl',
      },
    )
  if (current === supported) return
  if (
    current === 0 &&
    Number(db.get('pragma application_id')!.application_id) !== applicationId &&
    db.get('select 1 as found from sqlite_master limit 1')
  )
    throw fail('config', 'foreign-catalog', 'this SQLite file belongs to another program', {
      where: db.file,
      hint: 'set "catalog" in tblctl.yaml to another file',
    })
  if (current > 0) backup(db, current)
  db.write('migrate', () => {
    const found = Number(db.get('pragma user_version')!.user_version) // another process may have been faster
    for (const step of migrations.slice(found, supported)) db.exec(step)
    db.exec(`pragma user_version = ${Math.max(found, supported)}; pragma application_id = ${applicationId}`)
  })
}

function backup(db: Database, version: number): void {
  const copy = `${db.file}.v${version}.backup`
  if (!existsSync(copy)) db.run('vacuum into ?', copy)
}
