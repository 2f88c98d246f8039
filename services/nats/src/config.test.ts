import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ConfigError, loadConfig, renderConfigTable } from '@rollcall/runtime'
import { natsShape } from './config.ts'
import { renderConfig } from './service.ts'

const README = fileURLToPath(new URL('../README.md', import.meta.url))
const MARKED = /(<!-- settings -->\n)[\s\S]*(<!-- \/settings -->)/

const NEEDED = {
  ROLLCALL_TLS_CERT_FILE: '/etc/rollcall/tls/tls.crt',
  ROLLCALL_TLS_KEY_FILE: '/etc/rollcall/tls/tls.key',
  ROLLCALL_TLS_CA_FILE: '/etc/rollcall/tls/ca.crt',
  ROLLCALL_NATS_ENCRYPTION_KEY_FILE: '/etc/rollcall/nats-key/key',
}
const CLUSTER = {
  ROLLCALL_NATS_CLUSTER_LISTEN: '0.0.0.0:6222',
  ROLLCALL_NATS_CLUSTER_ROUTES: 'nats-0.nats:6222,nats-1.nats:6222,nats-2.nats:6222',
  ROLLCALL_NATS_CLUSTER_TLS_CERT_FILE: '/etc/rollcall/route-tls/tls.crt',
  ROLLCALL_NATS_CLUSTER_TLS_KEY_FILE: '/etc/rollcall/route-tls/tls.key',
  ROLLCALL_NATS_CLUSTER_TLS_CA_FILE: '/etc/rollcall/route-tls/ca.crt',
}

function rendered(env: NodeJS.ProcessEnv): string {
  return renderConfig(loadConfig({ service: 'nats', shape: natsShape, env: { ...NEEDED, ...env } }))
}

/** Names of the settings that are complained of. */
function complaints(env: NodeJS.ProcessEnv): string[] {
  try {
    rendered(env)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems.map(({ name }) => name)
  }
  return []
}

test("the README's table of settings is the schema's; ROLLCALL_GOLDEN=write renews it", async () => {
  const text = await readFile(README, 'utf8')
  const current = text.replace(MARKED, (_, begin, end) => `${begin}\n${renderConfigTable(natsShape)}\n${end}`)
  if (process.env.ROLLCALL_GOLDEN === 'write') await writeFile(README, current)
  else assert.equal(text, current)
})

test('the configuration is that of @rollcall/store: TLS alone, an account a service, encrypted, fsynced', () => {
  const text = rendered({})
  for (const line of [
    'listen: "0.0.0.0:14222"',
    'http: "127.0.0.1:8222"',
    'verify_and_map: true',
    'handshake_first: true',
    'sync_interval: always',
    'key: $ROLLCALL_NATS_ENCRYPTION_KEY',
    'user: "spiffe://rollcall.test/ns/ims/sa/presence"',
  ])
    assert.ok(text.includes(line), line)
  assert.ok(!text.includes('cluster {'))
  assert.match(rendered({ ROLLCALL_NATS_DURABILITY: 'lost-at-power-cut' }), /sync_interval: "2m"/)
})

test('the monitor, which has no TLS, is on loopback and nowhere else', () => {
  for (const address of ['0.0.0.0:8222', '10.0.0.7:8222', '[::]:8222'])
    assert.deepEqual(complaints({ ROLLCALL_NATS_MONITOR_LISTEN: address }), ['ROLLCALL_NATS_MONITOR_LISTEN'])
  assert.deepEqual(complaints({ ROLLCALL_NATS_MONITOR_LISTEN: '[::1]:8222' }), [])
})

test('a cluster has all of its settings or none', () => {
  const text = rendered(CLUSTER)
  assert.match(text, /listen: "0\.0\.0\.0:6222"[\s\S]*verify: true[\s\S]*"tls:\/\/nats-2\.nats:6222"/)
  for (const left of Object.keys(CLUSTER)) assert.deepEqual(complaints({ ...CLUSTER, [left]: '' }), [left])
})
