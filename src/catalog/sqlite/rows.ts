/** SQLite rows → the port's objects. */
import type { AuditRow, Control, Job, JobState, LogLine, TableRow } from '../../core/catalog.ts'
import { iso, now, parsed, type Row } from './database.ts'

export const jobColumns = `jobs.*, exists (select 1 from leases where leases.job = jobs.id and leases.path = 'job/' || jobs.id and leases.expires > ${now}) as live`

export function toJob(row: Row): Job {
  return {
    id: row.id as string,
    run: row.run as string,
    verb: row.verb as string,
    subject: row.subject as Job['subject'],
    path: row.path as string,
    key: row.key as string,
    version: Number(row.version),
    hold: row.hold as Job['hold'],
    state: row.state as JobState,
    phase: row.phase as string | null,
    options: parsed(row.options),
    plan: parsed(row.plan),
    data: parsed(row.data),
    progress: parsed(row.progress),
    result: parsed(row.result),
    error: parsed(row.error),
    waitsFor: parsed(row.waits_for),
    wakeAt: row.wake_at === null ? null : iso(row.wake_at),
    attempts: Number(row.attempts),
    actor: row.actor as string,
    owner: row.owner as string | null,
    fence: row.fence === null ? null : Number(row.fence),
    createdAt: iso(row.created_at),
    finishedAt: row.finished_at === null ? null : iso(row.finished_at),
    live: row.live === 1,
  }
}

export function toTable(row: Row): TableRow {
  return {
    path: row.path as string,
    spec: parsed(row.spec),
    state: row.state as TableRow['state'],
    createdAt: iso(row.created_at),
    updatedAt: iso(row.updated_at),
  }
}

export function toControl(row: Row): Control {
  return {
    path: row.path as string,
    name: row.name as string,
    value: parsed(row.value),
    rev: Number(row.rev),
    by: row.by_owner as string,
    answer: parsed(row.answer),
  }
}

export function toAudit(row: Row): AuditRow {
  return {
    at: iso(row.at),
    run: row.run as string,
    actor: row.actor as string,
    verb: row.verb as string,
    path: row.path as string,
    job: row.job as string | null,
    outcome: row.outcome as AuditRow['outcome'],
    detail: parsed(row.detail),
  }
}

export function toLogLine(row: Row): LogLine {
  return {
    at: iso(row.at),
    level: row.level as LogLine['level'],
    message: row.message as string,
    fields: parsed(row.fields),
  }
}
