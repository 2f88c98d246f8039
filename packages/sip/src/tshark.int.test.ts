import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '@rollcall/core'
import { formatAccessNetworkInfo } from './fields/access-network-info.ts'
import { formatChargingFunctions, formatChargingVector } from './fields/charging.ts'
import { formatContact, parseContacts } from './fields/contact.ts'
import { formatDigestChallenge, formatDigestCredentials } from './fields/digest.ts'
import { formatAssertedIdentities, formatAssociatedUris } from './fields/identities.ts'
import { formatRoutes } from './fields/routes.ts'
import { formatServedUser } from './fields/served-user.ts'
import { formatVisitedNetworkIds } from './fields/visited-network-id.ts'
import { createRequest, createResponse, type SipMessage } from './message.ts'
import { callId, cseq, from, fromTag, maxForwards, to, toTag } from './message-fields.ts'
import { formatNameAddr, type NameAddr } from './name-addr.ts'
import { parseMessage } from './parse-message.ts'
import { serializeMessage } from './serialize-message.ts'
import { tortureMessage, VALID_TORTURE_MESSAGES } from './testing/rfc4475.ts'
import { type Dissected, dissectSip, reasonWithoutTshark } from './testing/tshark.ts'
import { formatVia, parseVia } from './via.ts'

// The outside judge: Wireshark's SIP dissector, which shares no code with ours.

const skip = reasonWithoutTshark()

const FIELDS = [
  ...(['sip.Method', 'sip.r-uri', 'sip.Status-Code', 'sip.to.addr', 'sip.to.tag', 'sip.from.addr'] as const),
  ...(['sip.from.tag', 'sip.Call-ID', 'sip.CSeq.seq', 'sip.CSeq.method', 'sip.Max-Forwards'] as const),
  ...(['sip.Via.transport', 'sip.Via.sent-by.address', 'sip.Via.branch', 'sip.contact.uri'] as const),
  'sip.Content-Length' as const,
]
type Field = (typeof FIELDS)[number]

/** Those of RFC 4475 that are well-formed, and to be answered with something else than a refusal to read them. */
const WELL_FORMED = [
  ...VALID_TORTURE_MESSAGES,
  ...['unkscm', 'novelsc', 'bext01', 'invut', 'regaut01', 'zeromf', 'cparam01', 'cparam02', 'regescrt', 'sdp01'],
  'inv2543',
]

/** What tshark 4.0 does not find: behind a NUL, or an unusual character, it reads no further. */
const NOT_SEEN: Readonly<Record<string, readonly Field[]>> = {
  intmeth: ['sip.CSeq.method', 'sip.Max-Forwards', 'sip.Content-Length'],
}

/** What we read, in tshark's fields. */
function asTsharkReads(message: SipMessage): Record<Field, readonly string[]> {
  const vias = message.headers.list('Via').map(parseVia)
  const contacts = parseContacts(message.headers.getAll('Contact'))
  const isRequest = message.kind === 'request'
  const some = (value: string | number | undefined): string[] => (value === undefined ? [] : [String(value)])
  return {
    'sip.Method': isRequest ? [message.method] : [],
    'sip.r-uri': isRequest ? [message.uri] : [],
    'sip.Status-Code': isRequest ? [] : [String(message.status)],
    'sip.to.addr': [to(message).uri],
    'sip.to.tag': some(toTag(message)),
    'sip.from.addr': [from(message).uri],
    'sip.from.tag': some(fromTag(message)),
    'sip.Call-ID': [callId(message)],
    'sip.CSeq.seq': [String(cseq(message).sequence)],
    'sip.CSeq.method': [cseq(message).method],
    'sip.Max-Forwards': some(maxForwards(message)),
    'sip.Via.transport': vias.map(({ transport }) => transport),
    'sip.Via.sent-by.address': vias.map(({ host }) => host),
    'sip.Via.branch': vias.flatMap(({ params }) => some(params.get('branch') as string | undefined)),
    'sip.contact.uri': contacts === '*' ? [] : contacts.map(({ uri }) => uri),
    'sip.Content-Length': [String(message.body.length)],
  }
}

/** Blanks within values are legal, and more than tshark expects: it gets what our writers make of them. */
function rewritten(message: SipMessage): SipMessage {
  const headers = message.headers.clone()
  headers.set('From', formatNameAddr(from(message)))
  headers.set('To', formatNameAddr(to(message)))
  headers.setAll('Via', headers.list('Via').map(parseVia).map(formatVia))
  return { ...message, headers }
}

test('Wireshark reads what we write of RFC 4475’s messages as we read them (RFC 3261 section 7)', {
  skip,
}, async () => {
  const messages = WELL_FORMED.map((name) => parseMessage(tortureMessage(name)))
  const seen = await dissectSip(messages.map(rewritten).map(serializeMessage), FIELDS)
  messages.forEach((message, index) => {
    const name = WELL_FORMED[index] ?? ''
    const isCompared = (field: Field): boolean => !NOT_SEEN[name]?.includes(field)
    const compared = (values: Readonly<Record<Field, readonly string[]>>) =>
      FIELDS.filter(isCompared).map((field) => [field, values[field]])
    assert.deepEqual(compared(seen[index] ?? asTsharkReads(message)), compared(asTsharkReads(message)), name)
  })
  assert.equal(seen.length, WELL_FORMED.length)
})

function bracketed(uri: string, displayName?: string): NameAddr {
  return { displayName, uri, params: new Map() }
}

async function dissectOne<F extends string>(message: SipMessage, fields: readonly F[]): Promise<Dissected<F>> {
  const [values] = await dissectSip([serializeMessage(message)], fields)
  assert.ok(values)
  return values
}

const IMS_REQUEST = createRequest('REGISTER', 'sip:ims.example.com', [
  [
    'Via',
    formatVia({ transport: 'UDP', host: '[2001:db8::1]', port: 5070, params: new Map([['branch', 'z9hG4bKx']]) }),
  ],
  ['From', '"Alice \\"A\\"" <sip:alice@ims.example.com>;tag=1'],
  ['To', '<sip:alice@ims.example.com>'],
  ['Call-ID', 'judge'],
  ['CSeq', '1 REGISTER'],
  ['Route', formatRoutes([bracketed('sip:p1;lr'), bracketed('sip:p2:5070;lr', 'P, 2')])],
  ['Path', formatRoutes([bracketed('sip:token@pcscf;lr;ob')])],
  [
    'Contact',
    formatContact({ uri: 'sip:alice@[2001:db8::1]:5070', instance: '<urn:x>', regId: 1, expiresSeconds: 60 }),
  ],
  ['P-Asserted-Identity', formatAssertedIdentities([bracketed('sip:alice@b'), bracketed('tel:+15550100')])],
  ['P-Preferred-Identity', formatAssertedIdentities([bracketed('sip:bob@b', 'Bob "B"')])],
  ['P-Served-User', formatServedUser({ uri: 'sip:alice@b', sessionCase: 'orig', registrationState: 'reg' })],
  ['P-Visited-Network-ID', formatVisitedNetworkIds([{ id: 'Visited network' }, { id: 'other.net' }])],
  ['P-Charging-Vector', formatChargingVector({ icid: 'a=b', origIoi: 'home1.net' })],
  ['P-Charging-Function-Addresses', formatChargingFunctions({ ccf: ['192.1.1.1', '[::1]'], ecf: [], params: [] })],
  [
    'P-Access-Network-Info',
    formatAccessNetworkInfo([
      { accessType: '3GPP-UTRAN-TDD', isNetworkProvided: true, params: new Map([['utran-cell-id-3gpp', '234151D0F']]) },
    ]),
  ],
  [
    'Authorization',
    formatDigestCredentials({
      username: '001010000000001@ims.example.com',
      realm: 'ims.example.com',
      nonce: 'LTE/ab+c==',
      uri: 'sip:ims.example.com',
      response: '6629fae49393a05397450978507c4ef1',
      algorithm: 'AKAv1-MD5',
      cnonce: '0a4f113b',
      nc: '00000001',
      qop: 'auth-int',
      auts: '5PYxMuX2NOT2NeQ=',
      params: new Map(),
    }),
  ],
])

test('Wireshark reads header fields of the IMS path as they were meant (RFC 7315 section 4)', { skip }, async () => {
  assert.deepEqual(
    await dissectOne(IMS_REQUEST, [
      ...(['sip.Via.sent-by.address', 'sip.Via.sent-by.port', 'sip.from.display.info', 'sip.Route.uri'] as const),
      ...(['sip.Path.uri', 'sip.contact.uri', 'sip.pai.addr', 'sip.ppi.addr', 'sip.ppi.display.info'] as const),
      ...(['sip.P-Served-User', 'sip.P-Visited-Network-ID', 'sip.P-Charging-Vector'] as const),
      ...(['sip.P-Charging-Function-Addresses', 'sip.P-Access-Network-Info.access-type'] as const),
      ...(['sip.P-Access-Network-Info.utran-cell-id-3gpp'] as const),
    ]),
    {
      // Without the brackets, which are not the address's.
      'sip.Via.sent-by.address': ['2001:db8::1'],
      'sip.Via.sent-by.port': ['5070'],
      'sip.from.display.info': ['"Alice \\"A\\""'],
      // It looks at the topmost alone.
      'sip.Route.uri': ['sip:p1;lr'],
      'sip.Path.uri': ['sip:token@pcscf;lr;ob'],
      'sip.contact.uri': ['sip:alice@[2001:db8::1]:5070'],
      'sip.pai.addr': ['sip:alice@b'],
      'sip.ppi.addr': ['sip:bob@b'],
      'sip.ppi.display.info': ['"Bob \\"B\\""'],
      'sip.P-Served-User': ['<sip:alice@b>;sescase=orig;regstate=reg'],
      'sip.P-Visited-Network-ID': ['"Visited network", other.net'],
      'sip.P-Charging-Vector': ['icid-value="a=b";orig-ioi=home1.net'],
      'sip.P-Charging-Function-Addresses': ['ccf=192.1.1.1;ccf=[::1]'],
      'sip.P-Access-Network-Info.access-type': ['3GPP-UTRAN-TDD'],
      'sip.P-Access-Network-Info.utran-cell-id-3gpp': ['234151D0F'],
    },
  )
})

test('Wireshark reads AKA credentials and challenges (RFC 3310 section 3)', { skip }, async () => {
  const credentials = await dissectOne(IMS_REQUEST, [
    ...(['sip.auth.scheme', 'sip.auth.username', 'sip.auth.nonce', 'sip.auth.digest.response'] as const),
    ...([
      'sip.auth.algorithm',
      'sip.auth.cnonce',
      'sip.auth.nc',
      'sip.auth.qop',
      'sip.auth.auts',
      'sip.auth.uri',
    ] as const),
  ])
  assert.deepEqual(Object.values(credentials), [
    ...[['Digest'], ['"001010000000001@ims.example.com"'], ['"LTE/ab+c=="'], ['"6629fae49393a05397450978507c4ef1"']],
    ...[['AKAv1-MD5'], ['"0a4f113b"'], ['00000001'], ['auth-int'], ['"5PYxMuX2NOT2NeQ="'], ['"sip:ims.example.com"']],
  ])
  const key = '00112233445566778899aabbccddeeff'
  const challenge = formatDigestChallenge({
    realm: 'r',
    nonce: 'LTE/ab+c==',
    algorithm: 'AKAv1-MD5',
    qop: ['auth', 'auth-int'],
    opaque: 'a"b',
    isStale: true,
    ck: Secret.fromHex(key),
    ik: Secret.fromHex(key.toUpperCase()),
    params: new Map(),
  })
  const response = createResponse(IMS_REQUEST, 401, {
    toTag: '2',
    headers: [
      ['WWW-Authenticate', challenge],
      ['Service-Route', formatRoutes([bracketed('sip:orig@scscf;lr')])],
      ['P-Associated-URI', formatAssociatedUris([bracketed('sip:alice@b'), bracketed('tel:+15550100')])],
    ],
  })
  assert.deepEqual(
    await dissectOne(response, [
      ...([
        'sip.Status-Code',
        'sip.to.tag',
        'sip.auth.realm',
        'sip.auth.qop',
        'sip.auth.stale',
        'sip.auth.ck',
      ] as const),
      ...(['sip.auth.ik', 'sip.Service-Route.uri', 'sip.P-Associated-URI'] as const),
    ]),
    {
      'sip.Status-Code': ['401'],
      'sip.to.tag': ['2'],
      'sip.auth.realm': ['"r"'],
      'sip.auth.qop': ['"auth,auth-int"'],
      'sip.auth.stale': ['true'],
      'sip.auth.ck': [`"${key}"`],
      'sip.auth.ik': [`"${key}"`],
      'sip.Service-Route.uri': ['sip:orig@scscf;lr'],
      'sip.P-Associated-URI': ['<sip:alice@b>, <tel:+15550100>'],
    },
  )
})
