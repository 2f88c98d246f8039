import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import test from 'node:test'
import { ConfigError, loadConfig, renderConfigTable, sharedShape } from '@rollcall/runtime'
import { pcscfConfig, pcscfShape } from './config.ts'

const SHAPE = { ...sharedShape, ...pcscfShape }
const ENV = {
  ROLLCALL_REALM: 'ims.example.org',
  ROLLCALL_NATS_URL: 'tls://127.0.0.1:14222',
  ROLLCALL_TLS_CERT_FILE: 'a',
  ROLLCALL_TLS_KEY_FILE: 'b',
  ROLLCALL_TLS_CA_FILE: 'c',
  ROLLCALL_GRPC_LISTEN: '127.0.0.1:17004',
  ROLLCALL_PROBE_LISTEN: '127.0.0.1:17104',
  ROLLCALL_PCSCF_SIP_LISTEN: '127.0.0.1:15060',
  ROLLCALL_PCSCF_ENCAPSULATION_LISTEN: '127.0.0.1:14500',
  ROLLCALL_PCSCF_SEALING_KEYS_FILE: 'd',
  ROLLCALL_HOP_ROUTES: 'ims.example.org=scscf@127.0.0.1:17002',
}

function load(env: NodeJS.ProcessEnv) {
  return pcscfConfig(loadConfig({ service: 'pcscf', shape: SHAPE, env: { ...ENV, ...env } }))
}

test('the defaults are those of TS 24.229 table 7.7.1 and of the readings', () => {
  const config = load({})
  assert.deepEqual(config.timers, { t1Ms: 2_000, t2Ms: 16_000, t4Ms: 17_000 })
  assert.equal(config.regAwaitAuthMs, 240_000)
  assert.equal(config.host, 'pcscf-0.pcscf.ims.example.org')
  assert.deepEqual(config.secAgree.pairs, [
    { alg: 'hmac-sha-1-96', ealg: 'aes-cbc', mod: 'UDP-enc-tun' },
    { alg: 'hmac-sha-1-96', ealg: 'null', mod: 'UDP-enc-tun' },
  ])
  assert.deepEqual(config.portPc, { first: 15_100, count: 10_000 })
  assert.equal(config.allowUeTraceContext, false)
})

test('pairs are taken in the order they are written, md5 only when it is', () => {
  const { pairs } = load({ ROLLCALL_PCSCF_ESP_PAIRS: 'hmac-md5-96/null, hmac-sha-1-96/aes-cbc' }).secAgree
  assert.deepEqual(
    pairs.map(({ alg, ealg }) => `${alg}/${ealg}`),
    ['hmac-md5-96/null', 'hmac-sha-1-96/aes-cbc'],
  )
  assert.throws(() => load({ ROLLCALL_PCSCF_ESP_PAIRS: 'des' }), ConfigError)
})

test('ports that meet each other are refused, all at once', () => {
  const wrong = { ROLLCALL_PCSCF_PORT_PS: '15060', ROLLCALL_PCSCF_PORT_PC_FIRST: '60000' }
  assert.throws(
    () => load(wrong),
    (error) => error instanceof ConfigError && error.problems.length === 2,
  )
  assert.throws(() => load({ ROLLCALL_PCSCF_PORT_PS: '15100' }), /client ports 15100 to 25099/)
})

test('where encryption is required, pairs without it are not ours; with none left the start is refused', () => {
  const { pairs } = load({ ROLLCALL_PCSCF_REQUIRE_ENCRYPTION: 'true' }).secAgree
  assert.deepEqual(pairs, [{ alg: 'hmac-sha-1-96', ealg: 'aes-cbc', mod: 'UDP-enc-tun' }])
  const none = { ROLLCALL_PCSCF_REQUIRE_ENCRYPTION: 'true', ROLLCALL_PCSCF_ESP_PAIRS: 'hmac-sha-1-96/null' }
  assert.throws(() => load(none), ConfigError)
})

test('no protected port is 5060 or 5061 (TS 33.203 clause 7.1)', () => {
  for (const wrong of [
    { ROLLCALL_PCSCF_PORT_PS: '5060' },
    { ROLLCALL_PCSCF_PORT_PS: '5061' },
    { ROLLCALL_PCSCF_PORT_PC_FIRST: '5000', ROLLCALL_PCSCF_PORT_PC_COUNT: '100' },
  ]) {
    assert.throws(() => load(wrong), /never protected/)
  }
})

test('what the uncertain points of the standards leave to us has a safe default, and a setting', () => {
  const { secAgree, oldSetGraceMs, visitedNetworkId, accessNetworkInfo, regEvent } = load({})
  const { pairs: _pairs, ...policy } = secAgree
  assert.deepEqual(policy, {
    list: 'full',
    missing: 'negotiate',
    noCommonPairStatus: 403,
    mismatchStatus: 494,
    verify: 'tolerant',
  })
  assert.deepEqual([oldSetGraceMs, visitedNetworkId, accessNetworkInfo], [128_000, 'ims.example.org', undefined])
  assert.equal(regEvent.isOn, true)
  assert.equal(load({ ROLLCALL_PCSCF_T1_MS: '50' }).oldSetGraceMs, 3_200)
  assert.equal(load({ ROLLCALL_PCSCF_OLD_SET_GRACE_MS: '10' }).oldSetGraceMs, 10)
  for (const value of ['x"y', 'a\nb']) {
    assert.throws(() => load({ ROLLCALL_PCSCF_VISITED_NETWORK_ID: value }), ConfigError)
  }
  for (const value of ['IEEE-802.11;network-provided', 'a, b', 'x y']) {
    assert.throws(() => load({ ROLLCALL_PCSCF_ACCESS_NETWORK_INFO: value }), ConfigError)
  }
})

test('the README has the table of settings that the schema makes', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  assert.ok(readme.includes(renderConfigTable(pcscfShape)), 'copy what renderConfigTable(pcscfShape) prints')
})
