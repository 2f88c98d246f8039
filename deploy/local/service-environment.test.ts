import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DataFolder } from './data-folder.ts'
import {
  checkReplicas,
  grpcPort,
  isReplicated,
  probePort,
  processName,
  REPLICAS_MAX,
  SERVICES,
  xcapPort,
} from './processes.ts'
import { hopRoutes, serviceEnvironment, targetsOf } from './service-environment.ts'

const OPTIONS = {
  data: new DataFolder('/nowhere'),
  realm: 'ims.example.com',
  address: '127.0.0.1',
  natsServers: ['127.0.0.1:14222', '127.0.0.2:14222'],
  targets: { presence: 3, scscf: 2 },
}

test('no two processes share a port or a name', () => {
  const processes = SERVICES.flatMap((service) =>
    Array.from({ length: isReplicated(service) ? REPLICAS_MAX : 1 }, (_, ordinal) => ({
      name: processName(service, ordinal),
      ports: [
        grpcPort(service, ordinal),
        probePort(service, ordinal),
        ...(service === 'presence' ? [xcapPort(ordinal)] : []),
      ],
    })),
  )
  assert.equal(new Set(processes.map(({ name }) => name)).size, processes.length)
  const ports = processes.flatMap((process) => process.ports)
  assert.equal(new Set(ports).size, ports.length)
})

test('there is one replica at least, and not more than ports are cut for', () => {
  assert.deepEqual(checkReplicas({ presence: 1, scscf: REPLICAS_MAX }), { presence: 1, scscf: REPLICAS_MAX })
  for (const count of [0, REPLICAS_MAX + 1, 1.5]) {
    assert.throws(() => checkReplicas({ presence: count, scscf: 1 }), RangeError)
  }
})

test('the next-hop table names every replica behind the host of its service', () => {
  const routes = new Map(hopRoutes(OPTIONS, '').map((route) => route.split('=') as [string, string]))
  const of = (host: string): string[] | undefined => routes.get(host)?.replace(/^.*@/, '').split('|')
  assert.deepEqual(of('presence.ims.example.com'), ['127.0.0.1:17003', '127.0.0.1:17013', '127.0.0.1:17023'])
  assert.deepEqual(of('ims.example.com'), ['127.0.0.1:17002', '127.0.0.1:17012'])
  assert.deepEqual(of('scscf-0.scscf.ims.example.com'), of('ims.example.com'))
  assert.deepEqual(targetsOf('scscf', OPTIONS), of('ims.example.com'))
})

test('each replica has a name and a listener of its own, and all of them the same store', () => {
  const first = serviceEnvironment('presence', 0, OPTIONS)
  const second = serviceEnvironment('presence', 1, OPTIONS)
  assert.deepEqual(
    [first.ROLLCALL_REPLICA_NAME, second.ROLLCALL_REPLICA_NAME, second.ROLLCALL_GRPC_ADVERTISE],
    ['presence-0', 'presence-1', '127.0.0.1:17013'],
  )
  assert.equal(second.ROLLCALL_GRPC_LISTEN, '127.0.0.1:17013')
  assert.equal(second.ROLLCALL_PROBE_LISTEN, '127.0.0.1:17113')
  assert.equal(second.ROLLCALL_NATS_URL, 'tls://127.0.0.1:14222,tls://127.0.0.2:14222')
  assert.equal(serviceEnvironment('hss', 0, OPTIONS).ROLLCALL_REPLICA_NAME, undefined)
})

test('what a test puts between is between that process and its peers, and no other', () => {
  const via = (process: string, target: string): string =>
    process === 'presence-1' && target === '127.0.0.1:14222' ? '127.0.0.1:14301' : target
  const settings = (ordinal: number) => serviceEnvironment('presence', ordinal, { ...OPTIONS, via }).ROLLCALL_NATS_URL
  assert.equal(settings(1), 'tls://127.0.0.1:14301,tls://127.0.0.2:14222')
  assert.equal(settings(0), 'tls://127.0.0.1:14222,tls://127.0.0.2:14222')
})

test('the Authentication Proxy finds every Presence Server, the BSF and the HSS', () => {
  const ap = serviceEnvironment('ap', 0, OPTIONS)
  assert.equal(ap.ROLLCALL_AP_XCAP_TARGETS, '127.0.0.1:17203,127.0.0.1:17213,127.0.0.1:17223')
  assert.deepEqual([ap.ROLLCALL_BSF_TARGET, ap.ROLLCALL_HSS_TARGET], ['127.0.0.1:17005', '127.0.0.1:17001'])
  assert.equal(ap.ROLLCALL_AP_NAF_FQDN, 'xcap.ims.example.com')
  assert.equal(serviceEnvironment('presence', 1, OPTIONS).ROLLCALL_XCAP_LISTEN, '127.0.0.1:17213')
  const bsf = serviceEnvironment('bsf', 0, OPTIONS)
  assert.equal(bsf.ROLLCALL_BSF_HTTP_LISTEN, '127.0.0.1:15080')
  assert.equal(bsf.ROLLCALL_BSF_NAF_GSIDS, `${ap.ROLLCALL_AP_NAF_FQDN}=2+3`)
})

test('settings of who starts the stack do not reach its services', () => {
  process.env.ROLLCALL_LOG_LEVEL = 'trace'
  try {
    assert.equal(serviceEnvironment('hss', 0, OPTIONS).ROLLCALL_LOG_LEVEL, undefined)
  } finally {
    delete process.env.ROLLCALL_LOG_LEVEL
  }
})
