import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { Secret, seededRandom } from '@rollcall/core'
import { STORE_SERVICES, storeAdminRole } from '../layout.ts'
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
    Array.from({ length: 4 }, () => '"$JS.API.STREAM.CREATE.*"'),
  )
})

test('each service has an account of its own, and in it nobody but itself and who makes its streams', () => {
  const rendered = renderNatsConfig(OPTIONS)
  const [, ...accounts] = rendered.split(/^ {2}(?=[A-Z]+ \{$)/m)
  const seen = accounts.map((account) => ({
    name: account.slice(0, account.indexOf(' ')),
    users: [...account.matchAll(/user: "spiffe:\/\/rollcall\.test\/ns\/ims\/sa\/([^"]+)"/g)].map(([, user]) => user),
  }))
  const own = STORE_SERVICES.map((service) => ({
    name: service.toUpperCase(),
    users: [service, storeAdminRole(service)],
  }))
  assert.deepEqual(seen, [...own, { name: 'SYS', users: [] }])
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
