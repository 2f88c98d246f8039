import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { Secret, seededRandom } from '@rollcall/core'
import { ownSubjectsOf, STORE_SERVICES, storeAdminRole, storeBackupRole } from '../layout.ts'
import { renderNatsConfig } from './nats-config.ts'
import { createNatsKey, isNatsKey, natsKeyFingerprint } from './nats-key.ts'

const GOLDEN = new URL('../../../../deploy/nats/nats.example.conf', import.meta.url)

const OPTIONS = {
  serverName: 'nats-0',
  address: '127.0.0.1',
  port: 14222,
  storeDir: '/var/lib/rollcall/nats/jetstream',
  tls: { certFile: '/etc/rollcall/nats.crt', keyFile: '/etc/rollcall/nats.key', caFile: '/etc/rollcall/ca.crt' },
  trustDomain: 'rollcall.test',
} as const

test('renders deploy/nats/nats.example.conf (ROLLCALL_GOLDEN=write rewrites it)', async () => {
  const rendered = renderNatsConfig(OPTIONS)
  if (process.env.ROLLCALL_GOLDEN === 'write') await writeFile(GOLDEN, rendered)
  assert.equal(rendered, await readFile(GOLDEN, 'utf8'))
})

test('no service may create, change or delete a stream, nor make a consumer (ARCHITECTURE decision 10)', () => {
  const grants = renderNatsConfig(OPTIONS).match(/"[^"]*\$JS\.API[^"]*"/g) ?? []
  const creating = grants.filter((grant) => /CREATE|UPDATE|DELETE|RESTORE|SNAPSHOT|CONSUMER|>"$/.test(grant))
  assert.deepEqual(
    creating.filter((grant) => !/DIRECT\.GET\.[A-Za-z_0-9]+\.>"$/.test(grant)),
    STORE_SERVICES.map(() => '"$JS.API.STREAM.CREATE.*"'),
  )
})

test('each service has an account of its own, and in it nobody but itself, who makes its streams and who reads them', () => {
  const rendered = renderNatsConfig(OPTIONS)
  const [, ...accounts] = rendered.split(/^ {2}(?=[A-Z]+ \{$)/m)
  const seen = accounts.map((account) => ({
    name: account.slice(0, account.indexOf(' ')),
    users: [...account.matchAll(/user: "spiffe:\/\/rollcall\.test\/ns\/ims\/sa\/([^"]+)"/g)].map(([, user]) => user),
  }))
  const own = STORE_SERVICES.map((service) => ({
    name: service.toUpperCase(),
    users: [service, storeAdminRole(service), storeBackupRole(service)],
  }))
  assert.deepEqual(seen, [...own, { name: 'SYS', users: [] }])
})

test('who backs up may publish to nothing but reads of its service’s streams, and administrators write only while restoring', () => {
  const publishGrants = (rendered: string, role: string): string[] => {
    const user = rendered.split(`sa/${role}"`)[1]?.split('subscribe:')[0] ?? ''
    return [...user.matchAll(/"([^"]+)"/g)].map(([, subject]) => subject ?? '')
  }
  for (const service of STORE_SERVICES) {
    const backup = publishGrants(renderNatsConfig(OPTIONS), storeBackupRole(service))
    assert.ok(backup.length > 0)
    for (const grant of backup)
      assert.match(grant, /^\$JS\.API\.(?:STREAM\.INFO|STREAM\.MSG\.GET|DIRECT\.GET)\.[A-Za-z]/)
    const creating = ['$JS.API.STREAM.INFO.*', '$JS.API.STREAM.CREATE.*']
    if (service === 'bsf') assert.ok(backup.every((grant) => grant.startsWith('$JS.API.STREAM.INFO.')))
    assert.deepEqual(publishGrants(renderNatsConfig(OPTIONS), storeAdminRole(service)), creating)
    assert.deepEqual(publishGrants(renderNatsConfig({ ...OPTIONS, isRestoring: true }), storeAdminRole(service)), [
      ...creating,
      ...ownSubjectsOf(service),
    ])
  }
})

test('servers of a cluster take each other by certificates of an authority of their own', () => {
  const tls = { certFile: '/r/nats.crt', keyFile: '/r/nats.key', caFile: '/r/ca.crt' }
  const routes = ['10.0.0.1:6222', '10.0.0.2:6222', '10.0.0.3:6222']
  const rendered = renderNatsConfig({ ...OPTIONS, cluster: { name: 'rollcall', port: 6222, routes, tls } })
  const cluster = rendered.slice(rendered.indexOf('\ncluster {'), rendered.indexOf('\naccounts {'))
  assert.match(cluster, /listen: "127\.0\.0\.1:6222"/)
  assert.match(cluster, /ca_file: "\/r\/ca\.crt"\n +verify: true\n/)
  for (const route of routes) assert.ok(cluster.includes(`"tls://${route}"`))
  assert.ok(!renderNatsConfig(OPTIONS).includes('cluster'))
})

test('every write is synced before its acknowledgement, unless a setting says by its name that it is not', () => {
  assert.match(renderNatsConfig(OPTIONS), /sync_interval: always\n/)
  assert.match(
    renderNatsConfig({ ...OPTIONS, durability: 'lost-at-power-cut' }),
    /sync_interval: "2m" # acknowledged writes may be lost at a power cut\n/,
  )
})

test('refuses a path that would leave its quotes', () => {
  assert.throws(() => renderNatsConfig({ ...OPTIONS, storeDir: '/a"\njetstream: {}' }), RangeError)
})

test('a key is text that nats-server reads as text, and its fingerprint does not give it away', () => {
  const key = createNatsKey(seededRandom('key'))
  assert.ok(isNatsKey(key))
  assert.match(natsKeyFingerprint(key), /^[0-9a-f]{32}$/)
  assert.notEqual(natsKeyFingerprint(key), natsKeyFingerprint(createNatsKey(seededRandom('other'))))
  for (const text of ['', '12345678901234567890123456789012', 'kshort', `k${'a'.repeat(32)}#`]) {
    assert.ok(!isNatsKey(new Secret(Buffer.from(text))), text)
  }
})
