import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReginfoError } from './errors.ts'
import { parseReginfo } from './parse-reginfo.ts'
import type { Reginfo } from './reginfo.ts'
import { writeReginfo } from './write-reginfo.ts'

const ALICE = 'sip:alice@ims.example.com'

const INFO: Reginfo = {
  version: 3,
  state: 'full',
  registrations: [
    {
      aor: ALICE,
      id: 'a0',
      state: 'active',
      contacts: [
        {
          id: 'c0',
          uri: 'sip:127.0.1.1:5070;ob',
          state: 'active',
          event: 'registered',
          expiresSeconds: 600_000,
          callId: 'x&y@h',
          cseq: 2,
          instance: '<urn:gsma:imei:90420156-025763-0>',
        },
        { id: 'c1', uri: 'sip:127.0.1.2', state: 'terminated', event: 'probation', retryAfterSeconds: 30 },
      ],
    },
    { aor: 'tel:+15550100', id: 'a1', state: 'terminated', contacts: [] },
  ],
}

test('what is written is read: every attribute, each contact, each registration (RFC 3680 section 5)', () => {
  assert.deepEqual(parseReginfo(writeReginfo(INFO)), INFO)
})

test('reads what others write: prefixes, unknown elements and attributes, quoted instance (RFC 3680 section 5)', () => {
  const text = `<?xml version="1.0"?>
    <ri:reginfo xmlns:ri="urn:ietf:params:xml:ns:reginfo" xmlns:gr="urn:ietf:params:xml:ns:gruuinfo" version="0" state="full">
      <ri:registration aor="${ALICE}" id="0x1" state="active" gr:extra="1">
        <ri:contact id="0x2" state="active" event="created" expires=" 12 " duration-registered="1" q="0.5">
          <ri:uri> sip:[::1]:5070 </ri:uri>
          <ri:display-name>Alice</ri:display-name>
          <ri:unknown-param name="+SIP.instance">"&lt;urn:x&gt;"</ri:unknown-param>
          <ri:unknown-param name="+g.x"/>
          <gr:pub-gruu uri="sip:g"><gr:uri>no</gr:uri></gr:pub-gruu>
        </ri:contact>
        <gr:contact id="0x3" state="active" event="created"/>
      </ri:registration>
      <gr:registration aor="x" id="y" state="active"/>
    </ri:reginfo>`
  assert.deepEqual(parseReginfo(Buffer.from(text)), {
    version: 0,
    state: 'full',
    registrations: [
      {
        aor: ALICE,
        id: '0x1',
        state: 'active',
        contacts: [
          {
            id: '0x2',
            uri: 'sip:[::1]:5070',
            state: 'active',
            event: 'created',
            expiresSeconds: 12,
            instance: '<urn:x>',
          },
        ],
      },
    ],
  })
})

test('refuses what is no registration information, a DOCTYPE above all', () => {
  const open = '<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="0" state="full">'
  const contact = (attributes: string, body = '<uri>sip:a</uri>'): string =>
    `${open}<registration aor="a" id="b" state="active"><contact ${attributes}>${body}</contact></registration></reginfo>`
  const cases = [
    '',
    'x',
    '<reginfo/>',
    '<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" state="full"/>',
    '<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="-1" state="full"/>',
    '<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="99999999999" state="full"/>',
    '<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="0" state="half"/>',
    `<!DOCTYPE reginfo [<!ENTITY e "x">]>${open}</reginfo>`,
    `${open}<registration aor="a" id="b" state="gone"/></reginfo>`,
    `${open}<registration id="b" state="active"/></reginfo>`,
    `${open}<registration aor="a" id="b" state="active">`,
    contact('id="c" state="active" event="alive"'),
    contact('id="c" state="init" event="created"'),
    contact('state="active" event="created"'),
    contact('id="c" state="active" event="created" expires="soon"'),
    contact('id="c" state="active" event="created"', ''),
    contact('id="c" state="active" event="created"', '<uri><b/></uri>'),
  ]
  for (const text of cases) {
    assert.throws(() => parseReginfo(Buffer.from(text)), ReginfoError, text)
  }
})

test('bounds octets, registrations and contacts', () => {
  const registrations = (count: number): Reginfo => ({
    ...INFO,
    registrations: Array.from({ length: count }, (_, i) => ({ aor: 's', id: `${i}`, state: 'init', contacts: [] })),
  })
  assert.equal(parseReginfo(writeReginfo(registrations(128))).registrations.length, 128)
  assert.throws(() => parseReginfo(writeReginfo(registrations(129))), ReginfoError)
  const contacts = (count: number): string =>
    `<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="0" state="full"><registration aor="a" id="b" state="init">${'<contact id="c" state="active" event="created"><uri>s</uri></contact>'.repeat(count)}</registration></reginfo>`
  assert.throws(() => parseReginfo(Buffer.from(contacts(513))), ReginfoError)
  assert.throws(() => parseReginfo(Buffer.from(`${contacts(1)}${' '.repeat(65_536)}`)), ReginfoError)
  assert.equal(parseReginfo(Buffer.from(contacts(512))).registrations[0]?.contacts.length, 512)
})
