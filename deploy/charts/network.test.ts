import assert from 'node:assert/strict'
import { HOP_SENDERS, RPC_ROLES } from '@rollcall/runtime'
import { SERVICES, type ServiceName } from '../local/processes.ts'
import { chartTest, policyOf, render, VENDORS } from './chart-test.ts'

chartTest('the network lets through what the role table lets through, and nothing else (decision 4)', async (path) => {
  const manifests = await render(path)
  const all = policyOf(manifests, 'default-deny')
  assert.deepEqual([all.policyTypes, all.ingress, all.egress], [['Ingress', 'Egress'], undefined, undefined])
  for (const service of SERVICES) {
    const spec = policyOf(manifests, service) as unknown as PolicySpec
    const fromPods = componentsIn(spec.ingress.flatMap(({ from }) => from))
    assert.deepEqual(fromPods, sendersOf(service), `to ${service}`)
    const receivers = SERVICES.filter((other) => sendersOf(other).includes(service))
    // The Authentication Proxy keeps nothing.
    const store = service === 'ap' ? [] : ['nats']
    const reached = componentsIn(spec.egress.flatMap(({ to }) => to))
    assert.deepEqual(reached, [...receivers, ...store].sort(), `from ${service}`)
  }
})

chartTest("another vendor's node comes in at the port of SIP over TLS, and from nowhere else", async (path) => {
  const { ingress } = policyOf(await render(path, VENDORS), 'scscf') as unknown as PolicySpec
  const open = ingress.filter(({ ports }) => ports.some(({ port }) => port === 5061))
  assert.deepEqual(open, [{ from: [{ ipBlock: { cidr: '192.0.2.0/24' } }], ports: [{ port: 5061 }] }])
})

interface PolicySpec {
  readonly ingress: readonly { readonly from: readonly Peer[]; readonly ports: readonly { readonly port: number }[] }[]
  readonly egress: readonly { readonly to: readonly Peer[] }[]
}

interface Peer {
  readonly podSelector?: { readonly matchLabels: Readonly<Record<string, string>> }
}

function componentsIn(peers: readonly Peer[]): string[] {
  const components = peers.flatMap(({ podSelector }) => podSelector?.matchLabels['app.kubernetes.io/component'] ?? [])
  return [...new Set(components)].sort()
}

/** Which service serves a gRPC service of `proto/`. */
const SERVERS: Readonly<Record<string, ServiceName>> = {
  'rollcall.cx.v1.CxService': 'hss',
  'rollcall.cx.v1.CxCallbackService': 'scscf',
  'rollcall.sh.v1.ShService': 'hss',
  'rollcall.presence.v1.PresenceReplicaService': 'presence',
  'rollcall.sh.v1.ShNotificationService': 'presence',
  'rollcall.zh.v1.ZhService': 'hss',
  'rollcall.digest.v1.DigestCredentialsService': 'hss',
  'rollcall.zn.v1.ZnService': 'bsf',
  'rollcall.admin.v1.SubscriberAdminService': 'hss',
  'rollcall.admin.v1.PcscfAdminService': 'pcscf',
  'rollcall.admin.v1.ScscfAdminService': 'scscf',
  'rollcall.admin.v1.PresenceAdminService': 'presence',
}

/** Services that may call this one, by rpc or over the hop. */
function sendersOf(service: ServiceName): string[] {
  const senders = new Set<string>(HOP_SENDERS[service])
  for (const [path, roles] of Object.entries(RPC_ROLES)) {
    const name = path.split('/')[1] ?? ''
    if (name === 'rollcall.hop.v1.SipHopService') continue
    assert.ok(SERVERS[name], `${name} has no server here`)
    if (SERVERS[name] === service) for (const role of roles) senders.add(role)
  }
  // Zb is HTTPS: documents, for the Authentication Proxy.
  if (service === 'presence') senders.add('ap')
  return SERVICES.filter((one) => senders.has(one)).sort()
}
