/** What both kinds of node tell in the same words. */
import { fail } from '../../../core/errors.ts'
import { printable } from '../../../core/ref.ts'
import type { Shard, Topology } from '../topology.ts'

export const shardMissing = (node: string, shard: Shard): Error =>
  fail('missing', 'shard-missing', `node ${node} holds no shard ${shard.id} (${shard.name})`, {
    where: node,
    hint: 'is the node the one that the table was made on? If its data is lost, restore the node from its backup',
  })

/** What the catalog knows of a table is not what the node holds: nothing was read or written there. */
export const topologyDiffers = (node: string, { project, table }: Topology, why: string): Error =>
  fail('refused', 'topology-differs', `table ${project}/${table}: the nodes' topology differs: node ${node} ${why}`, {
    where: node,
    hint: 'tblctl unregister REF, then tblctl register REF, which takes what the nodes hold',
  })

export const tableExists = (node: string, there: Topology): Error =>
  there.state === 'creating'
    ? fail('busy', 'table-being-made', `node ${node}: another process makes ${there.project}/${there.table}`, {
        where: node,
        hint: `it began at ${there.createdAt}; if it died: the same command in its own folder goes on`,
        retry: 'later',
      })
    : fail('refused', 'table-exists', `node ${node} holds a table ${there.project}/${there.table} already`, {
        where: node,
        hint: 'tblctl register REF adopts it',
      })

export const duplicateKey = (key: string, cause?: unknown): Error =>
  fail('data', 'duplicate-key', `a row with ${printable(key)} is there already`, {
    hint: 'nothing of this step was loaded: take the row out of the input',
    cause,
  })

export const nodeUnreachable = (node: string, why: string, cause?: unknown): Error =>
  fail('unreachable', 'node-unreachable', `node ${node} cannot be reached: ${printable(why)}`, {
    where: node,
    hint: 'tblctl doctor',
    retry: 'later',
    cause,
  })

export const nodeBusy = (node: string, why: string, cause?: unknown): Error =>
  fail('busy', 'node-busy', `node ${node} is busy: ${printable(why)}`, { where: node, retry: 'later', cause })

export const textWithNul = (column: string): Error =>
  fail('data', 'text-with-nul', `column "${printable(column)}": a text holds U+0000, which SQL nodes cannot store`)

/** Of a failure that has no name here. */
export const nodeFailed = (node: string, why: string, cause?: unknown): Error =>
  fail('failed', 'node-failed', `node ${node}: ${printable(why)}`, { where: node, retry: 'resume', cause })
