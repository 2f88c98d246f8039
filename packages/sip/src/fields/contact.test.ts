import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuses, sameAgain } from '../testing/same-again.ts'
import { parseVia } from '../via.ts'
import {
  type ContactValue,
  formatContact,
  isOutboundContact,
  parseContacts,
  parseFlowTimer,
  parseKeep,
} from './contact.ts'

function contacts(...lines: string[]): ContactValue[] {
  const found = parseContacts(lines)
  assert.ok(found !== '*')
  return found
}

function one(text: string): ContactValue {
  const [contact] = contacts(text)
  assert.ok(contact)
  return contact
}

test('Contacts are read with their q and expires (the examples of RFC 3261 section 20.10)', () => {
  const found = contacts(
    '"Mr. Watson" <sip:watson@worcester.bell-telephone.com>;q=0.7; expires=3600,' +
      '"Mr. Watson" <mailto:watson@bell-telephone.com> ;q=0.1',
    '<sips:bob@192.0.2.4>;expires=60',
  )
  assert.deepEqual(
    found.map(({ displayName, uri, q, expiresSeconds }) => [displayName, uri, q, expiresSeconds]),
    [
      ['Mr. Watson', 'sip:watson@worcester.bell-telephone.com', 0.7, 3600],
      ['Mr. Watson', 'mailto:watson@bell-telephone.com', 0.1, undefined],
      [undefined, 'sips:bob@192.0.2.4', undefined, 60],
    ],
  )
  for (const contact of found) sameAgain(contact, formatContact, one)
})

test('* stands for all bindings, and alone (RFC 3261 section 10.2.2)', () => {
  assert.equal(parseContacts([' * ']), '*')
  assert.deepEqual(parseContacts([]), [])
  refuses('Contact', (text) => parseContacts(text.split('\n')), ['*, <sip:a>', '*\n*', '<sip:a>\n*', '*;expires=0'])
})

test('a malformed expires is an hour, one beyond 2^32-1 is that (RFC 3261 section 20.10)', () => {
  const expiresOf = (value: string) => one(`<sip:a>;expires${value}`).expiresSeconds
  assert.deepEqual([expiresOf('=soon'), expiresOf(''), expiresOf('="60"'), expiresOf('=-1')], [3600, 3600, 3600, 3600])
  assert.equal(expiresOf('=280297596632815'), 2 ** 32 - 1)
  assert.equal(expiresOf('=0'), 0)
  refuses('Contact', (text) => parseContacts([text]), ['<sip:a>;q=2', '<sip:a>;q', '<sip:a>;q=0.1234', '<sip:a>;q=.5'])
})

test('instance and reg-id name one flow of one device (RFC 5626 section 4.1)', () => {
  const text =
    '<sip:callee@192.0.2.2;transport=tcp;ob>;reg-id=1;+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"'
  const contact = one(text)
  assert.equal(contact.instance, '<urn:uuid:00000000-0000-1000-8000-000A95A0E128>')
  assert.equal(contact.regId, 1)
  assert.equal(sameAgain(contact, formatContact, one), text)
  assert.equal(
    formatContact({ uri: 'sip:a@b', instance: '<urn:x>', regId: 2, expiresSeconds: 60, q: 0.5 }),
    '<sip:a@b>;q=0.5;+sip.instance="<urn:x>";reg-id=2;expires=60',
  )
  // RFC 5626 section 4.2; RFC 5626 section 10
  refuses('Contact', (value) => parseContacts([value]), [
    '<sip:a>;reg-id=0',
    '<sip:a>;reg-id',
    '<sip:a>;reg-id=2147483648',
  ])
})

test('ob in the URI asks for the flow of the registration (RFC 5626 section 5.4)', () => {
  assert.ok(isOutboundContact(one('<sip:a@192.0.2.2;transport=tcp;ob>')))
  assert.ok(!isOutboundContact(one('<sip:a@192.0.2.2>;ob')))
  assert.throws(() => isOutboundContact({ uri: 'tel:+1' }))
})

test('keep is offered without a value and granted with one (RFC 6223 section 4)', () => {
  const keep = (params: string) => parseKeep(parseVia(`SIP/2.0/UDP alice.example.com;branch=z9hG4bK1${params}`).params)
  assert.deepEqual([keep(''), keep(';keep'), keep(';keep=30'), keep(';KEEP=0')], [undefined, 'offered', 30, 0])
  // RFC 6223 section 9
  assert.throws(() => keep(';keep=often'))
  // RFC 5626 section 10
  assert.equal(parseFlowTimer('120'), 120)
  refuses('Flow-Timer', parseFlowTimer, ['', '-1', '120 (s)'])
})
