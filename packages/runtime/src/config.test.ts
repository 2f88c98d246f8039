import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig, sharedShape } from './config.ts'
import * as field from './config-fields.ts'
import { renderConfigTable } from './config-table.ts'
import { editDistance } from './edit-distance.ts'
import { ConfigError } from './errors.ts'

const shape = {
  ROLLCALL_SCSCF_T1_MS: field.milliseconds({ is: 'SIP timer T1', example: '500', min: 10, max: 10_000 }).default(500),
  ROLLCALL_SCSCF_HSS_TARGET: field.hostPort({ is: 'where the HSS is', example: '127.0.0.1:17001' }),
  ROLLCALL_HOP_ROUTES: field.hopRoutes({ is: 'next hops', example: 'ims.example.org=scscf@127.0.0.1:17002' }),
  ROLLCALL_SCSCF_ALLOW_PLAIN_SIP: field.flag({ is: 'no TLS', example: 'false' }).default(false),
  ROLLCALL_SCSCF_KEYS_FILE: field.file({ is: 'keys', example: '/run/keys' }).optional(),
  ROLLCALL_SCSCF_MODE: field.oneOf(['one', 'two'], { is: 'mode', example: 'one' }).default('one'),
}

const good = {
  ROLLCALL_SCSCF_HSS_TARGET: 'hss.ims.svc:17001',
  ROLLCALL_HOP_ROUTES: 'Presence.example.org=presence@127.0.0.1:17003, example.org=scscf@[::1]:17002',
}

function problemsOf(env: NodeJS.ProcessEnv): Record<string, string> {
  try {
    loadConfig({ service: 'scscf', shape, env })
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return Object.fromEntries(error.problems.map((problem) => [problem.name, problem.problem]))
  }
  return {}
}

test('settings are typed, defaults are filled in, an empty one counts as none', () => {
  const config = loadConfig({
    service: 'scscf',
    shape,
    env: { ...good, ROLLCALL_SCSCF_T1_MS: '', ROLLCALL_SCSCF_ALLOW_PLAIN_SIP: 'true' },
  })
  assert.deepEqual(config, {
    ...good,
    ROLLCALL_SCSCF_T1_MS: 500,
    ROLLCALL_SCSCF_ALLOW_PLAIN_SIP: true,
    ROLLCALL_SCSCF_MODE: 'one',
  })
})

test('every problem is listed at once, with what came, what is allowed, and an example', () => {
  const env = {
    ROLLCALL_SCSCF_T1_MS: '5e2',
    ROLLCALL_SCSCF_ALLOW_PLAIN_SIP: 'yes',
    ROLLCALL_HOP_ROUTES: 'example.org=hss2@127.0.0.1:1',
    ROLLCALL_SCSCF_MODE: 'three',
    ROLLCALL_SCSCF_T1_MSS: '1',
  }
  assert.deepEqual(problemsOf(env), {
    ROLLCALL_SCSCF_T1_MS: 'came as "5e2"',
    ROLLCALL_SCSCF_ALLOW_PLAIN_SIP: 'came as "yes"',
    ROLLCALL_SCSCF_HSS_TARGET: 'is not set',
    ROLLCALL_HOP_ROUTES: 'came as "example.org=hss2@127.0.0.1:1"',
    ROLLCALL_SCSCF_MODE: 'came as "three"',
    ROLLCALL_SCSCF_T1_MSS: 'is no setting of scscf; is ROLLCALL_SCSCF_T1_MS meant?',
  })
  assert.throws(() => loadConfig({ service: 'scscf', shape, env }), {
    message: [
      'scscf: 6 settings wrong',
      '  ROLLCALL_SCSCF_T1_MS: came as "5e2"; allowed: a whole number of milliseconds, 10 to 10000; example: 500',
      '  ROLLCALL_SCSCF_HSS_TARGET: is not set; allowed: HOST:PORT, an IPv6 address in brackets; example: 127.0.0.1:17001',
      '  ROLLCALL_HOP_ROUTES: came as "example.org=hss2@127.0.0.1:1"; allowed: HOST=ROLE@HOST:PORT, replicas with a bar between, some of them with commas between; example: ims.example.org=scscf@127.0.0.1:17002',
      '  ROLLCALL_SCSCF_ALLOW_PLAIN_SIP: came as "yes"; allowed: true or false; example: false',
      '  ROLLCALL_SCSCF_MODE: came as "three"; allowed: one, two; example: one',
      '  ROLLCALL_SCSCF_T1_MSS: is no setting of scscf; is ROLLCALL_SCSCF_T1_MS meant?',
    ].join('\n'),
  })
})

test('a number out of its range is refused, however it is written', () => {
  for (const value of ['9', '10001', '-500', '500.0', ' 500', '0x1f4', '99999999999999999999']) {
    assert.deepEqual(Object.keys(problemsOf({ ...good, ROLLCALL_SCSCF_T1_MS: value })), ['ROLLCALL_SCSCF_T1_MS'], value)
  }
})

test('names that are nobody’s business are left alone: other services’, orchestrators’, far ones', () => {
  assert.deepEqual(
    problemsOf({
      ...good,
      ROLLCALL_PCSCF_T1_MS: '50',
      ROLLCALL_SCSCF_SERVICE_HOST: '10.0.0.1',
      ROLLCALL_SCSCF_SERVICE_PORT: '17002',
      ROLLCALL_SCSCF_PORT_17002_TCP: 'tcp://10.0.0.1:17002',
      ROLLCALL_DATA_DIR: '/x',
      SCSCF_T1_MS: '1',
    }),
    {},
  )
})

test('a name with two letters wrong is refused as a misspelling', () => {
  for (const name of [
    'ROLLCALL_SCSCF_HSS_TAGRET',
    'ROLLCALL_HOP_ROUTE',
    'ROLLCALL_SCCSF_T1_MS',
    'ROLLCALL_SCSCF_MODUS',
  ]) {
    assert.match(problemsOf({ ...good, [name]: '1' })[name] ?? '', /is no setting of scscf; is ROLLCALL_\w+ meant\?/)
  }
})

test('edit distance counts inserts, drops, changes and swaps, up to its limit', () => {
  const cases: [string, string, number][] = [
    ['', '', 0],
    ['abc', 'abc', 0],
    ['abc', 'acb', 1],
    ['abc', 'ab', 1],
    ['abc', 'xabc', 1],
    ['abc', 'xbz', 2],
    ['abcd', 'badc', 2],
    ['abc', 'xyz', 3],
    ['abc', 'abcdefgh', 3],
  ]
  for (const [a, b, distance] of cases) {
    assert.equal(editDistance(a, b, 2), distance, `${a} ${b}`)
    assert.equal(editDistance(b, a, 2), distance, `${b} ${a}`)
  }
})

test('shared settings take an IPv6 listener, refuse a name to listen on and a NATS URL without TLS scheme', () => {
  const env = {
    ROLLCALL_REALM: 'IMS.Example.org',
    ROLLCALL_NATS_URL: 'tls://[::1]:14222,tls://nats-1.nats:4222',
    ROLLCALL_TLS_CERT_FILE: '/a',
    ROLLCALL_TLS_KEY_FILE: '/b',
    ROLLCALL_TLS_CA_FILE: '/c',
    ROLLCALL_GRPC_LISTEN: '[::1]:17001',
    ROLLCALL_PROBE_LISTEN: '127.0.0.1:17101',
  }
  const config = loadConfig({ service: 'hss', shape: sharedShape, env })
  assert.equal(config.ROLLCALL_REALM, 'ims.example.org')
  assert.equal(config.ROLLCALL_TRUST_DOMAIN, 'rollcall.test')
  assert.equal(config.ROLLCALL_LOG_LEVEL, 'info')
  assert.throws(
    () =>
      loadConfig({
        service: 'hss',
        shape: sharedShape,
        env: {
          ...env,
          ROLLCALL_GRPC_LISTEN: 'localhost:17001',
          ROLLCALL_NATS_URL: 'http://x:1',
          ROLLCALL_PROBE_LISTEN: '127.0.0.1:65536',
        },
      }),
    (error) => error instanceof ConfigError && error.problems.length === 3,
  )
})

test('the README’s table comes from the schema', () => {
  assert.equal(
    renderConfigTable({
      ROLLCALL_SCSCF_T1_MS: shape.ROLLCALL_SCSCF_T1_MS,
      ROLLCALL_SCSCF_HSS_TARGET: shape.ROLLCALL_SCSCF_HSS_TARGET,
      ROLLCALL_SCSCF_KEYS_FILE: shape.ROLLCALL_SCSCF_KEYS_FILE,
    }),
    [
      '| setting | what it is | allowed | default |',
      '|---|---|---|---|',
      '| `ROLLCALL_SCSCF_T1_MS` | SIP timer T1 | a whole number of milliseconds, 10 to 10000 | `500` |',
      '| `ROLLCALL_SCSCF_HSS_TARGET` | where the HSS is | HOST:PORT, an IPv6 address in brackets | required |',
      '| `ROLLCALL_SCSCF_KEYS_FILE` | keys | a path to a file | none |',
      '',
    ].join('\n'),
  )
})
