import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ConfigError, checkLeaseTiming, loadConfig, renderConfigTable, sharedShape } from '@rollcall/runtime'
import { presenceShape } from './config.ts'

const README = fileURLToPath(new URL('../README.md', import.meta.url))
const MARKED = /(<!-- settings -->\n)[\s\S]*(<!-- \/settings -->)/

test("the README's table of settings is the schema's; ROLLCALL_GOLDEN=write renews it", async () => {
  const text = await readFile(README, 'utf8')
  const current = text.replace(MARKED, (_, begin, end) => `${begin}\n${renderConfigTable(presenceShape)}\n${end}`)
  if (process.env.ROLLCALL_GOLDEN === 'write') await writeFile(README, current)
  else assert.equal(text, current)
})

test('all that is wrong with the settings is told at once', () => {
  const env = { ROLLCALL_HSS_TARGET: 'nowhere', ROLLCALL_PRESENCE_NOTIFY_GRACE_MS: 'long' }
  assert.throws(
    () => loadConfig({ service: 'presence', shape: { ...sharedShape, ...presenceShape }, env }),
    (error) => {
      assert.ok(error instanceof ConfigError)
      const names = error.problems.map(({ name }) => name)
      for (const name of ['ROLLCALL_HSS_TARGET', 'ROLLCALL_PRESENCE_NOTIFY_GRACE_MS', 'ROLLCALL_HOP_ROUTES']) {
        assert.ok(names.includes(name), name)
      }
      return true
    },
  )
})

test('the lease is timed so that one lost heartbeat does not end it, and nobody takes over from who may still tell', () => {
  const load = (heartbeat: string, lease: string, silence: string) =>
    loadConfig({
      service: 'presence',
      shape: { ...sharedShape, ...presenceShape },
      env: {
        ROLLCALL_REALM: 'ims.example.com',
        ROLLCALL_NATS_URL: 'tls://127.0.0.1:14222',
        ROLLCALL_TLS_CERT_FILE: '/c',
        ROLLCALL_TLS_KEY_FILE: '/k',
        ROLLCALL_TLS_CA_FILE: '/a',
        ROLLCALL_GRPC_LISTEN: '127.0.0.1:17003',
        ROLLCALL_PROBE_LISTEN: '127.0.0.1:17103',
        ROLLCALL_HSS_TARGET: '127.0.0.1:17001',
        ROLLCALL_HOP_ROUTES: 'scscf.ims.example.com=scscf@127.0.0.1:17002',
        ROLLCALL_REPLICA_HEARTBEAT_MS: heartbeat,
        ROLLCALL_REPLICA_LEASE_MS: lease,
        ROLLCALL_REPLICA_SILENCE_MS: silence,
      },
    })
  checkLeaseTiming('presence', load('500', '2000', '2000'))
  for (const [wrong, names] of [
    [load('500', '900', '900'), ['ROLLCALL_REPLICA_LEASE_MS']],
    [load('500', '2000', '1999'), ['ROLLCALL_REPLICA_SILENCE_MS']],
    [load('2000', '3000', '500'), ['ROLLCALL_REPLICA_LEASE_MS', 'ROLLCALL_REPLICA_SILENCE_MS']],
  ] as const) {
    assert.throws(
      () => checkLeaseTiming('presence', wrong),
      (error) => {
        assert.ok(error instanceof ConfigError)
        assert.deepEqual(
          error.problems.map(({ name }) => name),
          names,
        )
        return true
      },
    )
  }
})
