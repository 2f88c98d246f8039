import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, loadConfig } from '@rollcall/runtime'
import { openShape, openWarnings, sipDoors } from './settings.ts'

const LISTEN = 'ROLLCALL_PRESENCE_SIP_UNPROTECTED_LISTEN'
const ANYWHERE = 'ROLLCALL_PRESENCE_SIP_UNPROTECTED_ANYWHERE'
const ANY_USERS = { ROLLCALL_PRESENCE_UNPROTECTED_USERS: 'any' }

const settings = (env: NodeJS.ProcessEnv) => loadConfig({ service: 'presence', shape: openShape, env })
const open = (env: NodeJS.ProcessEnv) => sipDoors(settings({ ...ANY_USERS, ...env })).open

test('without its setting no plain SIP is taken, and nothing is warned of', () => {
  const doors = sipDoors(settings({}))
  assert.equal(doors.open, undefined)
  assert.deepEqual(doors.table.unprotected, [])
  assert.equal(open({}), undefined)
  assert.deepEqual(openWarnings(settings({})), [])
})

test('plain SIP that believes its From is taken on loopback, with users that are anybody', () => {
  assert.deepEqual(open({ [LISTEN]: 'udp:127.0.0.1:5280' }), { address: '127.0.0.1', port: 5_280, transport: 'UDP' })
  assert.equal(open({ [LISTEN]: 'tcp:127.0.0.1:5281,udp:[::1]:5280' })?.address, '::1')
})

test('with the HSS’s users no From is believed: what comes is of nodes that are unverified', () => {
  const doors = sipDoors(settings({ [LISTEN]: 'udp:127.0.0.1:5280,tcp:127.0.0.1:5280' }))
  assert.equal(doors.open, undefined)
  assert.deepEqual(
    doors.table.unprotected.map(({ transport }) => transport),
    ['UDP', 'TCP'],
  )
})

test('plain SIP is refused elsewhere, unless a second setting says that it may be', () => {
  for (const listen of ['udp:0.0.0.0:5280', 'udp:10.0.0.1:5280', 'tcp:[::]:5280', 'udp:[2001:db8::1]:5280']) {
    assert.throws(() => sipDoors(settings({ [LISTEN]: listen })), ConfigError, listen)
    assert.ok(sipDoors(settings({ [LISTEN]: listen, [ANYWHERE]: 'true' })).table.unprotected[0], listen)
  }
})

test('what is no address is told by its name', () => {
  for (const listen of [
    '127.0.0.1:5280',
    'sctp:127.0.0.1:5280',
    'udp:localhost:5280',
    'udp:127.0.0.1:0',
    'udp:1.2.3:5',
  ]) {
    assert.throws(
      () => sipDoors(settings({ [LISTEN]: listen, [ANYWHERE]: 'true' })),
      (error) => error instanceof ConfigError && error.problems.some(({ name }) => name === LISTEN),
      listen,
    )
  }
})

test('each insecure setting has a warning', () => {
  const both = { [LISTEN]: 'udp:127.0.0.1:5280', ...ANY_USERS }
  assert.deepEqual(openWarnings(settings(both)), [
    'insecure: SIP is taken unprotected, and whoever sends it is who its From says',
    'insecure: every identity has a user, whom everybody may watch',
  ])
  assert.match(openWarnings(settings({ [LISTEN]: 'udp:127.0.0.1:5280' })).join(), /not believed/)
})
