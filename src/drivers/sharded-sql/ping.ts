/** doctor's checks of the nodes: each answers, lets us make tables, has the right time, and its topologies are those of the catalog. */
import type { Check } from '../../core/driver.ts'
import { errorView } from '../../core/errors.ts'
import type { ReadContext } from '../../core/operation.ts'
import { type Cluster, copiesOf, newestCopy } from './cluster.ts'
import type { Node } from './node/node.ts'
import { parseTopology } from './topology.ts'

const tolerableSkewMs = 60_000

export async function ping(cluster: Cluster, ctx: ReadContext): Promise<readonly Check[]> {
  const checks: Check[] = []
  for (const node of await cluster.nodes()) checks.push(...(await pingNode(node, ctx)))
  checks.push(await topologies(cluster, ctx))
  return checks
}

async function pingNode(node: Node, ctx: ReadContext): Promise<Check[]> {
  try {
    const { version, now, missingRight } = await node.facts()
    const skew = Math.abs(ctx.now().getTime() - now.getTime())
    return [
      { check: `node ${node.name}`, ok: true, detail: `${version} at ${node.place}` },
      missingRight === null
        ? { check: `node ${node.name} rights`, ok: true, detail: 'tables can be made' }
        : { check: `node ${node.name} rights`, ok: false, detail: missingRight, fix: 'tblctl doctor --print-policy' },
      {
        check: `node ${node.name} clock`,
        ok: skew <= tolerableSkewMs,
        detail: skew <= tolerableSkewMs ? 'in step' : `differs by ${Math.round(skew / 1000)} s`,
        ...(skew <= tolerableSkewMs ? {} : { fix: 'set the clocks by NTP' }),
      },
    ]
  } catch (error) {
    const { kind, message, hint } = errorView(error)
    const fix = kind === 'unreachable' ? `start ${node.place}, or mend its URL in tblctl.yaml` : hint
    return [{ check: `node ${node.name}`, ok: false, detail: message, fix: fix ?? `look at ${node.place}` }]
  }
}

/** Which table it is says the catalog's record, how far it is the highest epoch: a copy that lags behind would mislead whoever registers. */
async function topologies(cluster: Cluster, ctx: ReadContext): Promise<Check> {
  const check = 'topologies'
  const all = await copiesOf(cluster)
  const away = all.filter(({ error }) => error).map(({ node }) => node.name)
  const behind: string[] = []
  let tables = 0
  for await (const { value } of ctx.records.list('topology/')) {
    const record = parseTopology(value)
    if (record.state !== 'active') continue
    tables++
    const { id, epoch } = newestCopy(all, (copy) => copy.id === record.id && copy.epoch > record.epoch) ?? record
    for (const { node, copies, error } of all) {
      const copy = copies.find((held) => held.project === record.project && held.table === record.table)
      if (!error && (copy?.epoch !== epoch || copy.id !== id))
        behind.push(`${record.project}/${record.table} on ${node.name}`)
    }
  }
  if (behind.length > 0)
    return {
      check,
      ok: false,
      detail: `copies that differ from the catalog: ${behind.slice(0, 5).join(', ')}${behind.length > 5 ? ` and ${behind.length - 5} more` : ''}`,
      fix: 'tblctl unregister REF, then tblctl register REF, which writes the copies anew',
    }
  if (away.length > 0)
    return {
      check,
      ok: false,
      detail: `not known: ${away.join(', ')} could not be asked for the copies`,
      fix: 'mend the nodes first',
    }
  return { check, ok: true, detail: `${tables} tables, each node's copy is that of the catalog` }
}
