import assert from 'node:assert/strict'
import test from 'node:test'
import { ListContactsResponse, SaSetState } from '@rollcall/proto-gen/admin'
import { ALICE, ALICE_IMPI, ALICE_TEL, CK, IK, SECOND_END, THIRD_END, UE } from '../testing/messages.ts'
import { grantHeaders, Rig } from '../testing/rig.ts'
import { listContacts } from './list-contacts.ts'

test('an operator sees each contact with its sets, their ends and states, and no key', async () => {
  const rig = new Rig()
  const first = await rig.register({ expires: 3_600 })
  const second = await rig.challenge({ on: first, end: SECOND_END, callId: 'again', cseq: 5 })
  rig.answerChallenge(second, { end: SECOND_END, callId: 'again', cseq: 6, expires: 3_600 })
  rig.coreRequest.respond(200, grantHeaders({ granted: 3_600 }))
  await rig.settle()
  await rig.challenge({ on: first, end: THIRD_END, callId: 'third', cseq: 7, nonce: 'dGhpcmQ=' })
  const response = listContacts(rig.context)
  const [contact] = response.contacts
  assert.equal(response.contacts.length, 1)
  assert.equal(contact?.impi, ALICE_IMPI)
  assert.deepEqual(contact?.impus, [ALICE, ALICE_TEL])
  assert.equal(contact?.contactUri, `sip:${UE}:15064`)
  assert.equal(contact?.expiresAtMs, BigInt(rig.clock.now() + 3_600_000))
  assert.deepEqual(
    contact?.saSets.map(({ state, spiUc, portPs }) => [state, spiUc, portPs]),
    [
      [SaSetState.SA_SET_STATE_OLD, 1111, 15_064],
      [SaSetState.SA_SET_STATE_ESTABLISHED, 3333, 15_064],
      [SaSetState.SA_SET_STATE_TEMPORARY, 5555, 15_064],
    ],
  )
  const [, established] = contact?.saSets ?? []
  assert.equal(established?.expiresAtMs, BigInt(rig.clock.now() + 3_630_000))
  assert.equal(`${established?.algorithm} ${established?.encryptionAlgorithm}`, 'hmac-sha-1-96 aes-cbc')
  const octets = Buffer.from(ListContactsResponse.encode(response).finish())
  for (const key of [CK, IK]) assert.equal(octets.indexOf(Buffer.from(key, 'hex')), -1)
})

test('attempts that prove nothing are not shown with somebody’s contact', async () => {
  const rig = new Rig()
  await rig.register()
  await rig.challenge({ callId: 'forged', source: { address: '127.0.1.66', port: 1 }, end: SECOND_END })
  assert.equal(listContacts(rig.context).contacts[0]?.saSets.length, 1)
})
