import assert from 'node:assert/strict'
import { test } from 'node:test'
import { waitUntil } from '@rollcall/deploy/local/metrics.ts'
import { writePidf } from '@rollcall/pidf'
import { SaSetState } from '@rollcall/proto-gen/admin'
import { T1_MS, TestNetwork } from './support/network.ts'

test('a NOTIFY comes in the newest SA set after two re-registrations, and the old sets end after 64*T1 (TS 33.203 clause 7.4)', async () => {
  await using network = await TestNetwork.start({ block: 13 })
  const phone = await network.ue('alice-phone')
  const bob = await network.ue('bob')
  await phone.register()
  await bob.register()
  const first = bob.saSets.map(({ id }) => id)
  const subscription = await bob.subscribe({ uri: phone.identity })
  await subscription.next(5_000)
  await bob.reregister()
  await bob.reregister()
  const newest = bob.saSets.at(-1)
  assert.ok(newest && newest.state === 'established' && !first.includes(newest.id))
  await phone.publish({ body: writePidf({ entity: phone.identity, tupleId: 'a', basic: 'open', note: 'newest' }) })
  const told = await subscription.next(10_000)
  assert.equal(told.setId, newest.id)

  const setsOfBob = async () => {
    const contacts = await network.operator.listContacts()
    return contacts.find(({ impi }) => impi === bob.impi)?.saSets ?? []
  }
  // Both ends hold old sets for the time of a transaction, and then let them go.
  const old = 64 * T1_MS
  await waitUntil('one set is left at the P-CSCF', async () => (await setsOfBob()).length === 1, 3 * old)
  await waitUntil('one set is left at the UE', () => bob.saSets.length === 1, 3 * old)
  const [left] = await setsOfBob()
  assert.equal(left?.state, SaSetState.SA_SET_STATE_ESTABLISHED)
  assert.equal(left?.spiUc, newest.local.spiC)
  await subscription.unsubscribe()
})
