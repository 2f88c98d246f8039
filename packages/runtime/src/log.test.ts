import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '@rollcall/core'
import { createAudit } from './audit.ts'
import { RpcError } from './errors.ts'
import { createIdentityHash } from './identity-hash.ts'
import { createLogger, flatLog } from './log.ts'
import { createMetrics } from './metrics.ts'

function logTo(lines: string[], level = 'info') {
  return createLogger({ service: 'hss', level, destination: { write: (line: string) => void lines.push(line) } })
}

test('a log line is JSON with service and time, and an expected failure has a code and no stack', () => {
  const lines: string[] = []
  const log = logTo(lines)
  log.warn({ err: new RpcError('RPC_UNAVAILABLE', 'away', { cause: new Error('x') }) }, 'no vector')
  log.error({ err: new TypeError('bug') }, 'ours')
  const [warn, error] = lines.map((line) => JSON.parse(line))
  assert.equal(warn.service, 'hss')
  assert.match(warn.time, /^\d{4}-\d\d-\d\dT/)
  assert.deepEqual(
    { ...warn.err, cause: undefined },
    { type: 'RpcError', message: 'RPC_UNAVAILABLE: away', code: 'RPC_UNAVAILABLE', cause: undefined },
  )
  assert.match(error.err.stack, /TypeError: bug/)
})

test('no secret reaches a line, neither as a Secret nor by a name that we know', () => {
  const lines: string[] = []
  const log = logTo(lines)
  log.info({ ck: 'aabbcc', vector: { xres: 'ddeeff' }, k: new Secret(Buffer.from('0123456789abcdef')) }, 'careless')
  log.info({ ksNaf: 'aabbcc', key: { ha1: 'ddeeff' } }, 'careless')
  flatLog(log).info({ ksNaf: 'aabbcc', ha1: 'ddeeff', ck: new Secret(Buffer.from('0123456789abcdef')) }, 'careless')
  log.info({ wrapped: { deep: { k: new Secret(Buffer.from('0123456789abcdef')) } } }, 'careless, deeper')
  assert.doesNotMatch(lines.join(''), /aabbcc|ddeeff|0123456789abcdef|30313233/)
})

test('an audit event is a line and a count, with identities hashed, at every log level', async () => {
  const lines: string[] = []
  const metrics = createMetrics('hss')
  const hash = createIdentityHash(new Secret(Buffer.alloc(32, 7)))
  const audit = createAudit({ log: logTo(lines, 'error'), metrics, hash })
  audit({
    event: 'auth.failure',
    outcome: 'refused',
    reason: 'wrong-res',
    identities: { impi: '001010000000001@ims.example.org', impu: undefined },
    detail: { method: 'REGISTER' },
  })
  const line = JSON.parse(lines[0] ?? '{}')
  assert.equal(line.audit, true)
  assert.deepEqual(
    { event: line.event, outcome: line.outcome, reason: line.reason, method: line.method, impi: line.impi_hash },
    {
      event: 'auth.failure',
      outcome: 'refused',
      reason: 'wrong-res',
      method: 'REGISTER',
      impi: hash('001010000000001@ims.example.org'),
    },
  )
  assert.doesNotMatch(lines.join(''), /00101000/)
  assert.match(
    await metrics.expose(),
    /^rollcall_audit_events_total\{event="auth.failure",outcome="refused",reason="wrong-res"\} 1$/m,
  )
  await metrics.shutdown()
})

test('the same key hashes an identity alike everywhere; another key does not', () => {
  const key = Buffer.alloc(32, 1)
  const [a, b, c] = [key, key, Buffer.alloc(32, 2)].map((octets) =>
    createIdentityHash(new Secret(octets))('sip:alice@x'),
  )
  assert.equal(a, b)
  assert.notEqual(a, c)
  assert.match(String(a), /^[A-Za-z0-9_-]{16}$/)
})
