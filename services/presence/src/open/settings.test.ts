import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, loadConfig } from '@rollcall/runtime'
import { openAddress, openShape, openWarnings } from './settings.ts'

const LISTEN = 'ROLLCALL_PRESENCE_SIP_UNPROTECTED_LISTEN'
const ANYWHERE = 'ROLLCALL_PRESENCE_SIP_UNPROTECTED_ANYWHERE'

const settings = (env: NodeJS.ProcessEnv) => loadConfig({ service: 'presence', shape: openShape, env })

test('without its setting no plain SIP is taken, and nothing is warned of', () => {
  assert.equal(openAddress(settings({})), undefined)
  assert.deepEqual(openWarnings(settings({})), [])
})

test('plain SIP is taken on loopback', () => {
  assert.deepEqual(openAddress(settings({ [LISTEN]: 'udp:127.0.0.1:5280' })), { address: '127.0.0.1', port: 5_280 })
  assert.deepEqual(openAddress(settings({ [LISTEN]: 'udp:[::1]:5280' })), { address: '::1', port: 5_280 })
})

test('plain SIP is refused elsewhere, unless a second setting says that it may be', () => {
  for (const listen of ['udp:0.0.0.0:5280', 'udp:10.0.0.1:5280', 'udp:[::]:5280', 'udp:[2001:db8::1]:5280']) {
    assert.throws(() => openAddress(settings({ [LISTEN]: listen })), ConfigError, listen)
    assert.ok(openAddress(settings({ [LISTEN]: listen, [ANYWHERE]: 'true' })), listen)
  }
})

test('what is no address is told by its name', () => {
  for (const listen of [
    '127.0.0.1:5280',
    'tcp:127.0.0.1:5280',
    'udp:localhost:5280',
    'udp:127.0.0.1:0',
    'udp:1.2.3:5',
  ]) {
    assert.throws(
      () => openAddress(settings({ [LISTEN]: listen, [ANYWHERE]: 'true' })),
      (error) => error instanceof ConfigError && error.problems.some(({ name }) => name === LISTEN),
      listen,
    )
  }
})

test('each insecure setting has a warning', () => {
  const both = { [LISTEN]: 'udp:127.0.0.1:5280', ROLLCALL_PRESENCE_UNPROTECTED_USERS: 'any' }
  assert.equal(openWarnings(settings(both)).length, 2)
})
