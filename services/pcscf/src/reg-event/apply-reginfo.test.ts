import assert from 'node:assert/strict'
import test from 'node:test'
import { parseImpi, parseImpu } from '@rollcall/core'
import type { RegContact, Reginfo, RegRegistration } from '@rollcall/reginfo'
import fc from 'fast-check'
import type { Contact } from '../contacts/contact.ts'
import { ALICE, ALICE_IMPI, ALICE_TEL, BOB, HOST, PHONE, SERVICE_ROUTE, UE } from '../testing/messages.ts'
import { applyReginfo } from './apply-reginfo.ts'

const NOW = 1_000_000
const WORK = 'sip:alice.work@ims.mnc001.mcc001.3gppnetwork.org'

const CONTACT: Contact = {
  registrationId: Buffer.alloc(16, 1),
  impi: parseImpi(ALICE_IMPI),
  instance: `<${PHONE}>`,
  contactUri: `sip:${UE}:15064`,
  impus: [parseImpu(ALICE), parseImpu(ALICE_TEL)],
  associatedUris: [ALICE, ALICE_TEL],
  serviceRoute: [SERVICE_ROUTE],
  path: `<sip:token@${HOST};lr>`,
  expiresAtMs: NOW + 600_000,
  charging: { functions: [], termIoi: '' },
  register: { callId: 'now', cseq: 7 },
}

function entry(o: Partial<RegContact> = {}): RegContact {
  return { id: 'c1', uri: `sip:${UE}:15064`, state: 'active', event: 'registered', instance: `<${PHONE}>`, ...o }
}

function registration(aor: string, contact: RegContact | undefined, state: RegRegistration['state'] = 'active') {
  return { aor, id: aor, state, contacts: contact ? [contact] : [] }
}

function document(registrations: RegRegistration[], state: Reginfo['state'] = 'full'): Reginfo {
  return { version: 1, state, registrations }
}

function both(o: Partial<RegContact>, state: RegRegistration['state'] = 'active'): Reginfo {
  return document([registration(ALICE, entry(o), state), registration(ALICE_TEL, entry(o), state)])
}

test('what is as it was is no news, whatever the other contacts of the user do (RFC 3680 section 5)', () => {
  assert.equal(applyReginfo(CONTACT, both({}), NOW).kind, 'unchanged')
  const tablet = entry({ id: 'c2', instance: '<urn:gsma:imei:2>', state: 'terminated', event: 'rejected' })
  const info = document([
    { aor: ALICE, id: 'a', state: 'active', contacts: [tablet, entry()] },
    registration(ALICE_TEL, entry()),
  ])
  assert.equal(applyReginfo(CONTACT, info, NOW).kind, 'unchanged')
  assert.equal(applyReginfo(CONTACT, document([registration(BOB, undefined)]), NOW).kind, 'unchanged')
  assert.equal(applyReginfo(CONTACT, document([]), NOW).kind, 'unchanged')
})

test('a contact that is terminated in all identities is gone, and the event says why (TS 24.229 clause 5.2.5.2)', () => {
  for (const event of ['deactivated', 'rejected', 'expired', 'unregistered', 'probation'] as const) {
    const news = applyReginfo(CONTACT, both({ state: 'terminated', event }, 'terminated'), NOW)
    assert.deepEqual(news, { kind: 'gone', event })
  }
  const listedWithout = document([registration(ALICE, undefined), registration(ALICE_TEL, undefined)])
  assert.equal(applyReginfo(CONTACT, listedWithout, NOW).kind, 'gone')
})

test('an identity that is terminated, or that a full document leaves out, is taken away, and the default follows (TS 24.229 clause 5.2.3)', () => {
  const ended = entry({ state: 'terminated', event: 'deactivated' })
  for (const info of [
    document([registration(ALICE, ended, 'terminated'), registration(ALICE_TEL, entry())]),
    document([registration(ALICE_TEL, entry())]),
    document([registration(ALICE, ended, 'terminated')], 'partial'),
  ]) {
    const news = applyReginfo(CONTACT, info, NOW)
    assert.ok(news.kind === 'changed' && !news.isShortened)
    assert.deepEqual([news.contact.impus, news.contact.associatedUris], [[ALICE_TEL], [ALICE_TEL]])
  }
})

test('an identity that is registered besides is put behind the others (TS 24.229 clause 5.2.3)', () => {
  const info = document([
    registration(WORK, entry({ event: 'created' })),
    registration(ALICE_TEL, entry()),
    registration(ALICE, entry()),
  ])
  const news = applyReginfo(CONTACT, info, NOW)
  assert.ok(news.kind === 'changed')
  assert.deepEqual(news.contact.impus, [ALICE, ALICE_TEL, WORK])
  const partial = applyReginfo(CONTACT, document([registration(WORK, entry())], 'partial'), NOW)
  assert.ok(partial.kind === 'changed')
  assert.deepEqual(partial.contact.associatedUris, [ALICE, ALICE_TEL, WORK])
})

test('shortened ends the registration earlier, never later, and not by a REGISTER that is past (TS 24.229 clause 5.4.1.6)', () => {
  const shortened = { event: 'shortened', expiresSeconds: 60 } as const
  const news = applyReginfo(CONTACT, both(shortened), NOW)
  assert.ok(news.kind === 'changed' && news.isShortened)
  assert.equal(news.contact.expiresAtMs, NOW + 60_000)
  assert.equal(applyReginfo(CONTACT, both({ ...shortened, callId: 'now', cseq: 7 }), NOW).kind, 'changed')
  for (const past of [
    { ...shortened, expiresSeconds: 6_000 },
    { event: 'refreshed', expiresSeconds: 60 },
    { ...shortened, callId: 'now', cseq: 6 },
    { ...shortened, callId: 'before', cseq: 9 },
  ] as const) {
    assert.equal(applyReginfo(CONTACT, both(past), NOW).kind, 'unchanged', JSON.stringify(past))
  }
})

test('the end of an earlier REGISTER’s binding is not the end of the one that replaced it', () => {
  const replaced = { state: 'terminated', event: 'unregistered', callId: 'before', cseq: 3 } as const
  assert.equal(applyReginfo(CONTACT, both(replaced), NOW).kind, 'unchanged')
  const { register: _register, ...afterRestart } = CONTACT
  assert.equal(applyReginfo(afterRestart, both(replaced), NOW).kind, 'gone')
})

test('a UE without instance is known by its URI, compared as a URI (RFC 3261 section 19.1.4)', () => {
  const plain = { ...CONTACT, instance: '' }
  const uri = `SIP:${UE}:15064`
  const info = document([registration(ALICE, entry({ uri, state: 'terminated', event: 'rejected' }))])
  assert.equal(applyReginfo(plain, info, NOW).kind, 'gone')
  const other = document([registration(ALICE, entry({ uri: 'not a uri' })), registration(ALICE_TEL, entry())])
  assert.equal(applyReginfo(plain, other, NOW).kind, 'changed')
})

test('whatever a document says, no identity is asserted that it does not list as registered here', () => {
  const aors = [ALICE, ALICE_TEL, WORK, BOB, 'tel:+1', 'nothing']
  const contact = fc.record({
    state: fc.constantFrom('active', 'terminated'),
    event: fc.constantFrom('registered', 'created', 'shortened', 'rejected'),
    instance: fc.constantFrom(`<${PHONE}>`, '<other>'),
    expiresSeconds: fc.nat(700),
  })
  const one = fc.record({
    aor: fc.constantFrom(...aors),
    state: fc.constantFrom('active', 'terminated', 'init'),
    contacts: fc.array(contact, { maxLength: 3 }),
  })
  fc.assert(
    fc.property(fc.uniqueArray(one, { selector: ({ aor }) => aor, maxLength: 6 }), (list) => {
      const registrations = list.map(({ aor, state, contacts }) => ({
        aor,
        id: aor,
        state,
        contacts: contacts.map((value, at) => entry({ ...value, id: `${at}` })),
      }))
      const news = applyReginfo(CONTACT, document(registrations), NOW)
      if (news.kind !== 'changed') return
      const { impus, associatedUris, expiresAtMs } = news.contact
      assert.equal(impus.length, associatedUris.length)
      assert.ok(impus.length > 0 && expiresAtMs <= CONTACT.expiresAtMs)
      for (const impu of impus) {
        const said = registrations.find(({ aor }) => aor === impu)
        const isHere = said?.contacts.some(({ instance, state }) => instance === `<${PHONE}>` && state === 'active')
        assert.ok(said?.state === 'active' && isHere, impu)
      }
    }),
    { seed: 3680, numRuns: 1_000 },
  )
})
