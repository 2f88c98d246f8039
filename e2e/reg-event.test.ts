import assert from 'node:assert/strict'
import { test } from 'node:test'
import { waitUntil } from '@rollcall/deploy/local/metrics.ts'
import { DeregistrationKind, ScscfAdminServiceClient } from '@rollcall/proto-gen/admin'
import { callUnary, createGrpcClient } from '@rollcall/runtime'
import type { UeEvent } from '@rollcall/ue'
import { TestNetwork } from './support/network.ts'

const WAIT_MS = 15_000

test('what an operator does to a registration reaches UE and P-CSCF by their subscriptions to it (TS 24.229 clauses 5.1.1.5.2, 5.1.1.7 and 5.2.3)', async (t) => {
  await using network = await TestNetwork.start({ block: 34 })
  const admin = createGrpcClient(ScscfAdminServiceClient, {
    target: network.stack.grpcTarget('scscf'),
    role: 'scscf',
    identity: await network.stack.identity('operator'),
  })
  const events: UeEvent[] = []
  const bob = await network.ue('bob', { onEvent: (event) => events.push(event) })
  const { impi } = bob
  const told = <K extends UeEvent['kind']>(kind: K) =>
    events.filter((event): event is Extract<UeEvent, { kind: K }> => event.kind === kind)
  const contactsOfBob = async () => (await network.operator.listContacts()).filter((contact) => contact.impi === impi)
  const deregister = (kind: DeregistrationKind) => {
    const request = { impu: bob.identity, impi, kind, retryAfterSeconds: 0, forwarded: false }
    return callUnary(admin.deregister.bind(admin), request)
  }
  await bob.register()

  await t.test(
    'shortened: bob authenticates anew over his SAs, and has new ones (TS 24.229 clause 5.1.1.5.2)',
    async () => {
      const [before] = bob.saSets
      const request = { impu: bob.identity, impi, expiresSeconds: 10, forwarded: false }
      await callUnary(admin.reauthenticate.bind(admin), request)
      await waitUntil('bob was told', () => told('registration-shortened').length > 0, WAIT_MS)
      await waitUntil('bob registered again', () => told('registered').length === 2, WAIT_MS)
      assert.notEqual(bob.saSets.at(-1)?.id, before?.id)
      assert.equal(told('registration-ended').length, 0)
    },
  )

  await t.test('deactivated: bob is back by himself (TS 24.229 clause 5.1.1.7)', async () => {
    await deregister(DeregistrationKind.DEREGISTRATION_KIND_DEACTIVATED)
    await waitUntil('bob was told', () => told('registration-ended').length === 1, WAIT_MS)
    const [ended] = told('registration-ended')
    assert.deepEqual([ended?.reason, ended?.comesBack], ['deactivated', true])
    await waitUntil('bob is back', () => bob.registration !== undefined, WAIT_MS)
    await bob.checkAlive()
    assert.equal((await contactsOfBob()).length, 1)
  })

  await t.test(
    'rejected: bob stays out, and the P-CSCF holds nothing of his any more (TS 24.229 clauses 5.1.1.7 and 5.2.3)',
    async () => {
      // He has subscribed again when he is told once more.
      const request = { impu: bob.identity, impi, expiresSeconds: 600, forwarded: false }
      const before = told('registration-shortened').length
      await callUnary(admin.reauthenticate.bind(admin), request)
      await waitUntil('bob listens', () => told('registration-shortened').length > before, WAIT_MS)
      const registered = told('registered').length
      await deregister(DeregistrationKind.DEREGISTRATION_KIND_REJECTED)
      await waitUntil('bob was told', () => told('registration-ended').length === 2, WAIT_MS)
      assert.deepEqual(
        [told('registration-ended')[1]?.reason, told('registration-ended')[1]?.comesBack],
        ['rejected', false],
      )
      await waitUntil('the P-CSCF let him go', async () => (await contactsOfBob()).length === 0, WAIT_MS)
      assert.equal(bob.registration, undefined)
      assert.equal(told('registered').length, registered)
      // A person may.
      await bob.register()
      await bob.deregister()
    },
  )
  admin.close()
})
